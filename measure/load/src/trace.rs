//! The collections of a service, seen by strace: each collecting thread names itself, and each collection opens files
//! that no other part of the service opens.
//!
//! Sampling `/proc` would miss threads that live for a millisecond. With `--seccomp-bpf`, only the traced calls stop
//! the service, so a service that collects nothing is not slowed down.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::Result;

/// The call with which a collecting thread begins.
const NAMES_ITSELF: &str = r#"prctl(PR_SET_NAME, "memory-debug""#;
/// The call with which a heap profile begins. Each collection of types has one.
const DUMPS: &str = r#"memfd_create("memory-debug""#;
/// A file that each collection of statistics reads once.
const READS_STATISTICS: &str = r#""/proc/self/smaps_rollup""#;
const ENDS: &str = "+++ exited with";

pub struct Trace {
    log: PathBuf,
}

/// The counts since the start of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub collecting_threads: usize,
    /// The most at once. A thread that has finished its work may still be ending while the next thread works.
    pub collecting_threads_at_once: usize,
    pub profiles: usize,
    pub profiles_at_once: usize,
    pub statistics: usize,
    /// Collecting threads that have not ended.
    alive: usize,
}

impl Trace {
    pub fn new(log: PathBuf) -> Self {
        Self { log }
    }

    /// The words before the command of the service. Its process remains our child.
    pub fn command(&self) -> Vec<String> {
        let log = self.log.display().to_string();
        let calls = "trace=prctl,memfd_create,openat,close";
        let words =
            ["strace", "--daemonize", "--follow-forks", "--seccomp-bpf", "--quiet=attach,personality"];
        words.into_iter().map(str::to_owned).chain(["-e".into(), calls.into(), "-o".into(), log]).collect()
    }

    /// Waits until no collection runs, and returns the counts.
    pub fn at_rest(&self) -> Result<Seen> {
        let begin = Instant::now();
        loop {
            let seen = Seen::parse(&fs::read_to_string(&self.log)?);
            // strace may write the log a little late.
            thread::sleep(Duration::from_millis(100));
            if seen.alive == 0 && seen == Seen::parse(&fs::read_to_string(&self.log)?) {
                return Ok(seen);
            }
            if begin.elapsed() > Duration::from_secs(30) {
                return Err("the collections did not end in time".into());
            }
        }
    }
}

impl Seen {
    fn parse(log: &str) -> Self {
        let mut seen = Self::default();
        let mut alive = HashSet::new();
        // The first and last line of each profile: those under way by thread, and the finished ones.
        let mut profiles = HashMap::<&str, (usize, usize)>::new();
        let mut complete = Vec::new();
        for (number, line) in log.lines().enumerate() {
            let (thread, event) = line.split_once(' ').unwrap_or_default();
            if event.contains(NAMES_ITSELF) {
                alive.insert(thread);
                seen.collecting_threads += 1;
                seen.collecting_threads_at_once = seen.collecting_threads_at_once.max(alive.len());
            } else if event.contains(ENDS) {
                alive.remove(thread);
                complete.extend(profiles.remove(thread));
            } else if event.contains(DUMPS) {
                complete.extend(profiles.insert(thread, (number, number)));
            } else if let Some((_, last)) = profiles.get_mut(thread) {
                *last = number;
            }
            seen.statistics += usize::from(event.contains(READS_STATISTICS));
        }
        complete.extend(profiles.into_values());
        seen.profiles = complete.len();
        seen.profiles_at_once = most_at_once(&complete);
        seen.alive = alive.len();
        seen
    }

    /// The counts after `earlier`. The maxima at once remain the maxima since the start.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            collecting_threads: self.collecting_threads - earlier.collecting_threads,
            profiles: self.profiles - earlier.profiles,
            statistics: self.statistics - earlier.statistics,
            ..self
        }
    }
}

/// The most spans that have a line in common.
fn most_at_once(spans: &[(usize, usize)]) -> usize {
    let at = |line: usize| spans.iter().filter(|(first, last)| (first..=last).contains(&&line)).count();
    spans.iter().map(|(first, _)| at(*first)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"
100   prctl(PR_SET_NAME, "tokio-runtime-w") = 0
101   prctl(PR_SET_NAME, "memory-debug") = 0
101   openat(AT_FDCWD, "/proc/self/smaps_rollup", O_RDONLY|O_CLOEXEC) = 12
101   memfd_create("memory-debug", MFD_CLOEXEC <unfinished ...>
102   prctl(PR_SET_NAME, "memory-debug" <unfinished ...>
101   <... memfd_create resumed>)       = 12
102   <... prctl resumed>)              = 0
101   close(12)                         = 0
102   memfd_create("memory-debug", MFD_CLOEXEC) = 12
102   close(12)                         = 0
101   +++ exited with 0 +++
103   +++ exited with 0 +++
104   prctl(PR_SET_NAME, "memory-deadline") = 0
105   prctl(PR_SET_NAME, "memory-debug") = 0
"#;

    #[test]
    fn threads_and_collections_are_counted_once() {
        let expected = Seen {
            collecting_threads: 3,
            collecting_threads_at_once: 2,
            profiles: 2,
            profiles_at_once: 1,
            statistics: 1,
            alive: 2,
        };
        assert_eq!(Seen::parse(LOG), expected);
    }

    #[test]
    fn overlapping_profiles_are_detected() {
        let log = LOG.replace("101   close(12)                         = 0\n", "");
        let log = log.replace("101   +++", "101   close(12) = 0\n101   +++");
        assert_eq!(Seen::parse(&log).profiles_at_once, 2);
    }
}
