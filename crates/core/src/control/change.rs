//! A change of the profiler that a caller may request.

use std::fmt;
use std::time::Duration;

use memory_debug_report::{Error, ErrorKind};
use serde::Deserialize;

/// The longest time of one change. To sample for longer, configure sampling at the start.
const MAX_SECONDS: u64 = 3600;

/// The densest rate. Denser sampling gives nearly each object a page of its own.
const MIN_LG_SAMPLE: u32 = 12;

/// The coarsest rate. Coarser sampling sees nothing in a heap of gigabytes.
const MAX_LG_SAMPLE: u32 = 30;

/// A change of the heap profiler for a limited time, in JSON
/// `{"active":true,"for_seconds":300,"sample_bytes":65536}`. `sample_bytes` is optional and changes the rate.
/// `{"active":false}` ends a change early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ProfilingFields")]
pub struct ProfilingChange(pub(super) Wanted);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Active { time: Duration, lg_sample: Option<usize> },
    AsBefore,
}

/// The fields of a change, as a client sends them in JSON or in a form.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilingFields {
    /// Whether to sample. `false` takes no other field.
    pub active: bool,
    /// For how long to sample.
    pub for_seconds: Option<u64>,
    /// Mean number of bytes between samples. `None` keeps the rate.
    pub sample_bytes: Option<u64>,
}

impl ProfilingChange {
    /// Samples for `for_seconds` from now, 1 to 3600. Takes one sample per `sample_bytes` on average, a power of
    /// two from 4096 (2^12) to 1073741824 (2^30), or keeps the rate.
    ///
    /// # Errors
    ///
    /// If a field is out of range. The message has its name and its range.
    pub fn activate(for_seconds: u64, sample_bytes: Option<u64>) -> Result<Self, Error> {
        if !(1..=MAX_SECONDS).contains(&for_seconds) {
            return Err(invalid(format!("for_seconds must be a number from 1 to {MAX_SECONDS}")));
        }
        let lg_sample = sample_bytes.map(lg).transpose()?;
        Ok(Self(Wanted::Active { time: Duration::from_secs(for_seconds), lg_sample }))
    }

    /// Ends an earlier change: sampling returns to its state before that change.
    pub fn deactivate() -> Self {
        Self(Wanted::AsBefore)
    }
}

/// The change in a few words.
impl fmt::Display for ProfilingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Wanted::Active { time, lg_sample: None } => write!(f, "on for {} s", time.as_secs()),
            Wanted::Active { time, lg_sample: Some(lg) } => {
                write!(f, "on for {} s, one sample per 2^{lg} bytes", time.as_secs())
            }
            Wanted::AsBefore => f.write_str("as before"),
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidValue, message)
}

fn lg(sample_bytes: u64) -> Result<usize, Error> {
    let lg = sample_bytes.checked_ilog2().filter(|_| sample_bytes.is_power_of_two());
    match lg {
        Some(lg @ MIN_LG_SAMPLE..=MAX_LG_SAMPLE) => Ok(lg as usize),
        _ => Err(invalid(format!(
            "sample_bytes must be a power of two from {} to {}",
            1_u64 << MIN_LG_SAMPLE,
            1_u64 << MAX_LG_SAMPLE
        ))),
    }
}

impl TryFrom<ProfilingFields> for ProfilingChange {
    type Error = Error;

    fn try_from(fields: ProfilingFields) -> Result<Self, Error> {
        match fields {
            ProfilingFields { active: true, for_seconds: Some(seconds), sample_bytes } => {
                Self::activate(seconds, sample_bytes)
            }
            ProfilingFields { active: true, for_seconds: None, .. } => Err(invalid(format!(
                "for_seconds is missing: give the seconds after which the change ends, from 1 to {MAX_SECONDS}"
            ))),
            ProfilingFields { active: false, for_seconds: None, sample_bytes: None } => {
                Ok(Self::deactivate())
            }
            ProfilingFields { active: false, .. } => Err(invalid("\"active\":false takes no other field")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ProfilingChange, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_body_is_a_change() {
        let time = Duration::from_secs(300);
        let active = |lg_sample| Ok(ProfilingChange(Wanted::Active { time, lg_sample }));
        assert_eq!(read(r#"{"active":true,"for_seconds":300}"#), active(None));
        assert_eq!(read(r#"{"active":true,"for_seconds":300,"sample_bytes":65536}"#), active(Some(16)));
        assert_eq!(read(r#"{"active":false}"#), Ok(ProfilingChange::deactivate()));
    }

    #[test]
    fn a_change_prints_in_a_few_words() {
        let told = |json| read(json).unwrap().to_string();
        assert_eq!(told(r#"{"active":true,"for_seconds":300}"#), "on for 300 s");
        let with_rate = told(r#"{"active":true,"for_seconds":300,"sample_bytes":65536}"#);
        assert_eq!(with_rate, "on for 300 s, one sample per 2^16 bytes");
        assert_eq!(told(r#"{"active":false}"#), "as before");
    }

    #[test]
    fn refuses_a_change_without_an_end_or_out_of_range() {
        for (json, field) in [
            (r#"{"active":true}"#, "for_seconds is missing"),
            (r#"{"active":true,"for_seconds":0}"#, "for_seconds must be a number"),
            (r#"{"active":true,"for_seconds":3601}"#, "for_seconds must be a number"),
            (r#"{"active":true,"for_seconds":18446744073709551615}"#, "for_seconds must be a number"),
            (r#"{"active":true,"for_seconds":1,"sample_bytes":0}"#, "sample_bytes must be a power"),
            (r#"{"active":true,"for_seconds":1,"sample_bytes":2048}"#, "sample_bytes must be a power"),
            (r#"{"active":true,"for_seconds":1,"sample_bytes":4097}"#, "sample_bytes must be a power"),
            (r#"{"active":true,"for_seconds":1,"sample_bytes":2147483648}"#, "sample_bytes must be a power"),
            (r#"{"active":false,"for_seconds":1}"#, "takes no other field"),
            (r#"{"active":false,"sample_bytes":4096}"#, "takes no other field"),
            (r#"{"for_seconds":1}"#, "missing field `active`"),
            (r#"{"active":true,"for_seconds":1,"forever":true}"#, "unknown field `forever`"),
            (r#"{"active":true,"for_seconds":-1}"#, "invalid value"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(field), "{json}: {error}");
        }
    }

    #[test]
    fn both_ends_of_each_range_are_allowed() {
        for (seconds, bytes) in [(1, 1 << 12), (3600, 1 << 30)] {
            assert!(ProfilingChange::activate(seconds, Some(bytes)).is_ok());
        }
    }
}
