//! Identity of the process that answered. It distinguishes equal instances behind a balancer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};

/// Identity of a process, its service and its program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstanceInfo {
    /// Unique id of the process. It differs between any two processes, even on different hosts, and does not change
    /// during the life of a process.
    pub id: InstanceId,
    /// Name of the service, if the program gave one.
    pub service: Option<String>,
    /// Version of the service, if the program gave one.
    pub version: Option<String>,
    /// Host name as the kernel reports it; in a container usually the container's name.
    pub host: Option<String>,
    /// Process id, in the process's own namespace.
    pub pid: u32,
    /// When the process started, RFC 3339 in UTC, by the system clock at the time of the first collection.
    pub started_at: Option<String>,
    /// Seconds since the process started, by a clock that cannot be set.
    pub uptime_seconds: Option<u64>,
    /// GNU build id of the program in hex. Equal ids mean equal programs.
    pub build_id: Option<String>,
}

impl InstanceInfo {
    /// Describes a process by its instance id and process id alone.
    pub fn new(id: InstanceId, pid: u32) -> Self {
        Self {
            id,
            service: None,
            version: None,
            host: None,
            pid,
            started_at: None,
            uptime_seconds: None,
            build_id: None,
        }
    }
}

/// A random UUID (version 4) that identifies a process. Its only text form has lower-case digits and hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(Uuid);

impl InstanceId {
    /// Makes an id from random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The first eight hex digits, enough to distinguish a handful of instances by eye.
    pub fn short(&self) -> String {
        format!("{:08x}", self.0.as_fields().0)
    }
}

impl FromStr for InstanceId {
    type Err = Error;

    /// Accepts exactly what `Display` writes, so that one id has one spelling.
    fn from_str(text: &str) -> Result<Self, Error> {
        let id = Uuid::try_parse(text).ok().map(Self);
        id.filter(|id| id.to_string() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidValue, "an instance id is a lower-case hyphenated UUID")
        })
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceId({self})")
    }
}

impl Serialize for InstanceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_4_uuid_and_parses_back() {
        let id = InstanceId::from_random([0xab; 16]);
        let text = id.to_string();
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "4");
        assert!("89ab".contains(&text[19..20]));
        assert!(text.starts_with(&id.short()));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<InstanceId>(&json).unwrap(), id);
        assert_eq!(text.parse::<InstanceId>().unwrap(), id);
    }

    #[test]
    fn rejects_text_that_is_not_a_uuid() {
        for text in [
            "",
            "6f1c9a2e",
            "6F1C9A2E-0000-4000-8000-000000000000",
            "6f1c9a2e-00004000-8000-000000000000-",
            "6f1c9a2e000040008000000000000000",
            "{6f1c9a2e-0000-4000-8000-000000000000}",
            "urn:uuid:6f1c9a2e-0000-4000-8000-000000000000",
        ] {
            assert_eq!(text.parse::<InstanceId>().unwrap_err().kind(), ErrorKind::InvalidValue, "{text}");
        }
    }
}
