//! Renders the state of the profiler as text.

use std::fmt::{self, Display, Formatter};

use super::reasons;
use crate::profiling_status::{ProfilingStatus, ProfilingWindow};
use crate::units::{Bytes, count, printable, span};

impl Display for ProfilingStatus {
    /// One line with the state, then when it ends, what a change discarded, and what is unknown.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let profiling = &self.profiling;
        let rate = profiling.sample_bytes.map(|bytes| format!(", one sample per {:.0}", Bytes(bytes)));
        let rate = rate.unwrap_or_default();
        match (profiling.compiled, profiling.enabled, profiling.active) {
            (Some(false), ..) => writeln!(f, "heap profiling: not built in")?,
            (_, Some(false), _) => writeln!(f, "heap profiling: not enabled at the start")?,
            (_, _, Some(false)) => writeln!(f, "heap profiling: off{rate}")?,
            (_, _, Some(true)) => match &profiling.active_since {
                Some(since) => writeln!(f, "heap profiling: on{rate}, since {}", printable(since))?,
                None => writeln!(f, "heap profiling: on{rate}, since an unknown time")?,
            },
            (_, _, None) => writeln!(f, "heap profiling: unknown")?,
        }
        self.window.iter().try_for_each(|window| writeln!(f, "{window}"))?;
        if let Some(lost) = &self.discarded {
            writeln!(
                f,
                "changing the rate discarded samples for {} in {} stacks; profiles no longer show what was \
                 allocated before, and earlier snapshots cannot be compared with later ones",
                Bytes(lost.sampled_bytes),
                count(lost.stacks)
            )?;
        }
        let shown = self.unavailable.iter().filter(|(path, _)| !path.starts_with("instance."));
        reasons::lines(shown).try_for_each(|line| writeln!(f, "not available: {line}"))
    }
}

impl Display for ProfilingWindow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let state = if self.active_afterwards { "on" } else { "off" };
        write!(f, "until {} ({} left), then {state}", printable(&self.until), span(self.seconds_left))?;
        match self.sample_bytes_afterwards {
            Some(bytes) if self.discards_at_end => {
                write!(f, ", one sample per {:.0}", Bytes(bytes))?;
                write!(
                    f,
                    ", which discards all samples again: snapshots taken until then can be compared only with each \
                     other"
                )
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_state_its_end_and_what_was_discarded() {
        let mut status: ProfilingStatus = serde_json::from_value(serde_json::json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
            "version": 1,
            "profiling": {"compiled": true, "enabled": true, "active": true, "sample_bytes": 65536,
                          "active_since": "2026-11-21T09:00:00.000Z"},
            "window": {"until": "2026-11-21T09:05:00.000Z", "seconds_left": 300, "active_afterwards": true,
                       "sample_bytes_afterwards": 524_288, "discards_at_end": true},
            "discarded": {"sampled_bytes": 1_048_576, "stacks": 1200},
            "unavailable": {},
        }))
        .unwrap();
        let expected = "\
heap profiling: on, one sample per 64 KiB, since 2026-11-21T09:00:00.000Z
until 2026-11-21T09:05:00.000Z (5m 0s left), then on, one sample per 512 KiB, which discards all \
samples again: snapshots taken until then can be compared only with each other
changing the rate discarded samples for 1.00 MiB in 1,200 stacks; profiles no longer show what was allocated before, \
and earlier snapshots cannot be compared with later ones
";
        assert_eq!(status.to_string(), expected);
        (status.window, status.discarded) = (None, None);
        status.profiling.active = Some(false);
        status.profiling.active_since = None;
        status.unavailable.note("profiling.active_since", "it is off");
        let expected =
            "heap profiling: off, one sample per 64 KiB\nnot available: profiling.active_since: it is off\n";
        assert_eq!(status.to_string(), expected);
    }
}
