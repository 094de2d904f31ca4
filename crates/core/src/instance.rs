//! Which process answered: among equal instances behind one balancer a number alone says little.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};
use crate::kernel_file;
use crate::objects::loaded_objects;
use crate::per_process::PerProcess;
use crate::process::{Clocks, read_start};
use crate::timestamp;
use crate::unavailable::Unavailable;

/// Identity of a process, its service and its program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstanceInfo {
    /// Differs between any two processes, on one host or on several, forked ones too, and stays for the life of a
    /// process.
    pub id: InstanceId,
    /// Name of the service, if the program gave one.
    pub service: Option<String>,
    /// Version of the service, if the program gave one.
    pub version: Option<String>,
    /// Host name as the kernel tells it; in a container usually the container's.
    pub host: Option<String>,
    /// Process id, in the process's own namespace.
    pub pid: u32,
    /// When the process started, RFC 3339 in UTC, by the system clock of when that was first asked.
    pub started_at: Option<String>,
    /// Seconds since the process started, by a clock that cannot be set.
    pub uptime_seconds: Option<u64>,
    /// GNU build id of the program in hex: equal ids are equal programs.
    pub build_id: Option<String>,
}

impl InstanceInfo {
    /// Reads what is known about this process; `root` is the folder `/proc` is mounted at.
    pub(crate) fn read(
        root: &Path,
        service: Option<String>,
        version: Option<String>,
        unavailable: &mut Unavailable,
    ) -> Self {
        for (path, given) in [("instance.service", &service), ("instance.version", &version)] {
            if given.is_none() {
                unavailable.note(path, "not configured; give it with `service(name, version)`");
            }
        }
        let host = kernel_file::read_proc(root, "sys/kernel/hostname");
        let (uptime, started) = read_start(root, Clocks::now());
        Self {
            id: InstanceId::current(),
            service,
            version,
            host: unavailable.keep("instance.host", host).map(|name| name.trim().to_owned()),
            pid: std::process::id(),
            started_at: unavailable.keep("instance.started_at", started).map(timestamp::seconds),
            uptime_seconds: unavailable
                .keep("instance.uptime_seconds", uptime)
                .map(|uptime| uptime.as_secs()),
            build_id: unavailable.keep("instance.build_id", build_id()),
        }
    }
}

/// A random UUID (version 4) that names a process. As text it has lower-case digits and hyphens, and no other form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(Uuid);

impl InstanceId {
    /// The id that these random bytes make.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The first eight hex digits: enough to tell a handful of instances apart by eye.
    pub fn short(&self) -> String {
        format!("{:08x}", self.0.as_fields().0)
    }
}

impl InstanceId {
    /// The id of this process, made the first time it is asked for.
    pub fn current() -> Self {
        static CURRENT: PerProcess<Option<InstanceId>> = PerProcess::new(None);
        // Every process makes its own, so the pattern is never seen.
        CURRENT.get(|_| Some(Self::random())).unwrap_or_else(Self::random)
    }

    fn random() -> Self {
        let mut bytes = [0; 16];
        // `Uuid::new_v4` would panic where there is no random number.
        if getrandom::fill(&mut bytes).is_err() {
            // The id must be unique, not secret, so time and process id will do.
            let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let distance = since_epoch.unwrap_or_else(|before| before.duration());
            let seed = distance.as_nanos() ^ (u128::from(std::process::id()) << 96);
            bytes = seed.to_be_bytes();
        }
        Self::from_random(bytes)
    }
}

impl FromStr for InstanceId {
    type Err = Error;

    /// Takes exactly what `Display` writes: one id has one spelling.
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

/// The build id of the running program, from its own memory: no file needs to be there, and none is taken for it. It
/// cannot change, so it is read once.
fn build_id() -> Result<String, String> {
    static BUILD_ID: OnceLock<Result<String, &str>> = OnceLock::new();
    let read = || match loaded_objects().into_iter().next() {
        Some(program) => {
            let id = program.build_id.ok_or("the program has none; link with `-Wl,--build-id`")?;
            Ok(id.to_string())
        }
        None => Err("this system does not tell the program's notes"),
    };
    BUILD_ID.get_or_init(read).clone().map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_4_uuid_and_reads_back() {
        let id = InstanceId::random();
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
    fn a_text_that_is_no_uuid_is_refused() {
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

    #[test]
    fn one_process_has_one_id() {
        assert_eq!(InstanceId::current(), InstanceId::current());
        assert_ne!(InstanceId::random(), InstanceId::random());
    }

    #[test]
    fn without_proc_every_missing_value_has_a_reason() {
        let nowhere = Path::new("/nonexistent");
        let mut unavailable = Unavailable::default();
        let info = InstanceInfo::read(nowhere, None, None, &mut unavailable);
        assert_eq!(info.host, None);
        assert!(unavailable.get("instance.host").unwrap().starts_with("/proc is not mounted here"));
        assert_eq!(info.build_id.is_some(), cfg!(target_os = "linux"), "it is in memory");
        assert_eq!(
            unavailable.get("instance.service"),
            Some("not configured; give it with `service(name, version)`")
        );
    }
}
