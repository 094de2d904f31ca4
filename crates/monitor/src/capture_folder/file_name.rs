//! Names of files in the folder. They say what a file is and whose, so that the cap needs to open no file.

use std::fmt;
use std::fs;

use memory_debug_core::__private::start_ticks;
use memory_debug_core::CaptureKind;
use memory_debug_core::InstanceId;

use crate::dump_samples::ENDING as SAMPLES_ENDING;

/// A process, as the names of its files have it: `7-1234-0123abcd`.
///
/// The start, in ticks since boot, distinguishes a process from a later one with the same process id. The first digits
/// of the instance id distinguish processes of several containers, which may all have the process id 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessKey {
    pub(crate) pid: u32,
    start: u64,
    id: String,
}

/// The name of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileName {
    /// `flight-PROCESS.bin`
    Flight(ProcessKey),
    /// Space that is kept free for a dump: `ballast-PROCESS.bin`
    Ballast(ProcessKey),
    /// `snapshot-PROCESS-TIME-PERMILLE.pb.gz`
    Capture {
        process: ProcessKey,
        kind: CaptureKind,
        /// Milliseconds since 1970.
        at_ms: u64,
        /// Memory in use then, in thousandths of the limit. `None` (`x`) if there is no limit.
        permille: Option<u32>,
    },
    /// The live samples of a raw dump, named like it: `raw-PROCESS-TIME-PERMILLE.live`
    Samples {
        process: ProcessKey,
        /// As in the name of the dump.
        at_ms: u64,
        /// As in the name of the dump.
        permille: Option<u32>,
    },
}

impl ProcessKey {
    /// This process.
    pub(crate) fn own(instance: InstanceId) -> Self {
        let pid = std::process::id();
        Self { pid, start: start_of(pid).unwrap_or(0), id: instance.short() }
    }

    /// When it started, in ticks since boot.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Whether it runs, as far as the process ids of this container tell.
    pub(super) fn is_running(&self) -> bool {
        self.start != 0 && start_of(self.pid) == Some(self.start)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (pid, start) = (number(parts.next()?)?, number(parts.next()?)?);
        let id = parts.next().filter(|_| parts.next().is_none())?;
        let is_id = id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self { pid, start, id: id.to_owned() })
    }

    /// A process for tests.
    #[cfg(test)]
    pub(crate) fn for_test(pid: u32) -> Self {
        // No process has started so long after the boot.
        Self { pid, start: u64::MAX - u64::from(pid), id: "0123abcd".into() }
    }
}

impl FileName {
    pub(crate) fn flight(process: &ProcessKey) -> Self {
        Self::Flight(process.clone())
    }

    pub(crate) fn process(&self) -> &ProcessKey {
        match self {
            Self::Flight(process) | Self::Ballast(process) => process,
            Self::Capture { process, .. } | Self::Samples { process, .. } => process,
        }
    }

    /// The file with the live samples of this raw dump. `None` for other files.
    pub(crate) fn samples(&self) -> Option<Self> {
        match self {
            Self::Capture { process, kind: CaptureKind::RawDump, at_ms, permille } => {
                Some(Self::Samples { process: process.clone(), at_ms: *at_ms, permille: *permille })
            }
            _ => None,
        }
    }

    /// Parses a name. `None` for any text that [`Display`](fmt::Display) does not write.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('-')?;
        let name = match kind {
            "flight" => Self::Flight(ProcessKey::parse(rest.strip_suffix(".bin")?)?),
            "ballast" => Self::Ballast(ProcessKey::parse(rest.strip_suffix(".bin")?)?),
            _ => match rest.strip_suffix(SAMPLES_ENDING).filter(|_| kind == "raw") {
                Some(rest) => {
                    let (process, at_ms, permille) = moment(rest)?;
                    Self::Samples { process, at_ms, permille }
                }
                None => {
                    let kind = KINDS.iter().find(|(_, prefix, _)| *prefix == kind)?;
                    let (process, at_ms, permille) = moment(rest.strip_suffix(kind.2)?)?;
                    Self::Capture { process, kind: kind.0, at_ms, permille }
                }
            },
        };
        (name.to_string() == text).then_some(name)
    }
}

/// Kinds of captures, and how their names begin and end. pprof's tools know the endings.
const KINDS: [(CaptureKind, &str, &str); 3] = [
    (CaptureKind::Baseline, "baseline", ".pb.gz"),
    (CaptureKind::Snapshot, "snapshot", ".pb.gz"),
    (CaptureKind::RawDump, "raw", ".heap"),
];

/// Parses `PROCESS-TIME-PERMILLE`.
fn moment(text: &str) -> Option<(ProcessKey, u64, Option<u32>)> {
    let mut parts = text.rsplitn(3, '-');
    let permille = match parts.next()? {
        "x" => None,
        permille => Some(number(permille)?),
    };
    let at_ms = number(parts.next()?)?;
    Some((ProcessKey::parse(parts.next()?)?, at_ms, permille))
}

impl fmt::Display for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.pid, self.start, self.id)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flight(process) => write!(f, "flight-{process}.bin"),
            Self::Ballast(process) => write!(f, "ballast-{process}.bin"),
            Self::Capture { process, kind, at_ms, permille } => {
                let known = KINDS.iter().find(|(known, ..)| known == kind);
                let (prefix, ending) = known.map_or(("unknown", ""), |(_, prefix, ending)| (prefix, ending));
                write_moment(f, prefix, (process, *at_ms, *permille), ending)
            }
            Self::Samples { process, at_ms, permille } => {
                write_moment(f, "raw", (process, *at_ms, *permille), SAMPLES_ENDING)
            }
        }
    }
}

fn write_moment(
    f: &mut fmt::Formatter<'_>,
    prefix: &str,
    (process, at_ms, permille): (&ProcessKey, u64, Option<u32>),
    ending: &str,
) -> fmt::Result {
    write!(f, "{prefix}-{process}-{at_ms}-")?;
    match permille {
        Some(permille) => write!(f, "{permille}{ending}"),
        None => write!(f, "x{ending}"),
    }
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.parse().ok()
}

fn start_of(pid: u32) -> Option<u64> {
    start_ticks(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}
