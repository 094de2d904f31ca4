//! The state of the profiler.

use std::fmt::{self, Display, Formatter};

use super::layout::{Layout, Terminal};
use super::reasons;
use crate::profiling_status::{ProfilingStatus, ProfilingWindow};
use crate::report::ProfilingState;
use crate::units::{Bytes, count, printable, span};

/// Writes the state, then when it ends, what a change discarded, and what is unknown.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, status: &ProfilingStatus) -> fmt::Result {
    out.remark(&state(&status.profiling))?;
    status.window.iter().try_for_each(|window| out.remark(&window.to_string()))?;
    if let Some(lost) = &status.discarded {
        out.remark(&format!(
            "changing the rate discarded samples for {} in {} stacks; profiles no longer show what was allocated \
             before, and earlier snapshots cannot be compared with later ones",
            Bytes(lost.sampled_bytes),
            count(lost.stacks)
        ))?;
    }
    let shown = status.unavailable.iter().filter(|(path, _)| !path.starts_with("instance."));
    reasons::lines(shown).try_for_each(|line| out.remark(&format!("not available: {line}")))
}

fn state(profiling: &ProfilingState) -> String {
    let rate = profiling.sample_bytes.map(|bytes| format!(", one sample per {:.0}", Bytes(bytes)));
    let rate = rate.unwrap_or_default();
    match (profiling.compiled, profiling.enabled, profiling.active) {
        (Some(false), ..) => "heap profiling: not built in".to_owned(),
        (_, Some(false), _) => "heap profiling: not enabled at the start".to_owned(),
        (_, _, Some(false)) => format!("heap profiling: off{rate}"),
        (_, _, Some(true)) => {
            let since = profiling.active_since.as_deref().map(printable);
            format!("heap profiling: on{rate}, since {}", since.as_deref().unwrap_or("an unknown time"))
        }
        (_, _, None) => "heap profiling: unknown".to_owned(),
    }
}

impl Display for ProfilingStatus {
    /// One line for each statement.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(&mut Terminal(f), self)
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
