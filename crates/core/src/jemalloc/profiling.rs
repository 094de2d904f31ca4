//! The state of jemalloc's heap profiler, and whether it can give a profile.

use memory_debug_report::{ProfilingState, Unavailable};

use super::generation::{Generation, When};
use crate::mallctl::{self, Error, sample_bytes};
use crate::timestamp;
use crate::unwinder::read_unwinder;

const HOW_TO_ENABLE: &str = "start the program with `_RJEM_MALLOC_CONF=prof:true,prof_active:true` (`MALLOC_CONF` if \
                             jemalloc is built unprefixed), or use `install!()`, which sets the same";

/// The current state of the profiler. `started_at` is when the process started, for a profiler that was on from
/// the start. `generation` is the result of [`generation`](super::generation()).
pub(crate) fn read_profiling(
    started_at: Option<String>,
    generation: Result<Generation, String>,
    unavailable: &mut Unavailable,
) -> ProfilingState {
    let mut keep = |name: &str, value: Result<bool, Error>| {
        unavailable.keep(&format!("allocator.profiling.{name}"), value)
    };
    let mut state = ProfilingState::default();
    state.compiled = keep("compiled", mallctl::CONFIG_PROF.read());
    state.enabled = keep("enabled", mallctl::OPT_PROF.read());
    state.active = keep("active", mallctl::PROF_ACTIVE.read());
    let sample_bytes = enabled(&state).and_then(|()| {
        let lg = mallctl::PROF_LG_SAMPLE.read().map_err(|error| error.to_string())?;
        sample_bytes(lg)
    });
    state.sample_bytes = unavailable.keep("allocator.profiling.sample_bytes", sample_bytes);
    let active_since = readiness(&state).and_then(|()| active_since(started_at, &generation?));
    state.active_since = unavailable.keep("allocator.profiling.active_since", active_since);
    let unwinder = enabled(&state).and_then(|()| read_unwinder());
    state.unwinder = unavailable.keep("allocator.profiling.unwinder", unwinder);
    state
}

/// The time since which the active profiler has seen each allocation.
fn active_since(started_at: Option<String>, generation: &Generation) -> Result<String, String> {
    match generation.complete_since() {
        Some(When::At(time)) => Ok(timestamp::millis(time)),
        Some(When::Start) => {
            started_at.ok_or_else(|| "since the start of the process, whose time is unknown".into())
        }
        Some(When::Unknown(what)) => Err(format!("sampling was {what}; jemalloc does not record when")),
        None => Err("sampling was turned on a moment ago".into()),
    }
}

/// Checks that a heap profile can be read and is meaningful.
///
/// # Errors
///
/// If a requirement is missing. The message says which one and how to meet it.
pub(crate) fn readiness(state: &ProfilingState) -> Result<(), String> {
    enabled(state)?;
    match state.active {
        Some(true) => Ok(()),
        Some(false) => Err("heap profiling is enabled but not active, so nothing is sampled; turn it on for a time \
                            (PUT /profiling, in code `Collector::set_profiling`), or start the program with \
                            `prof_active:true` in `_RJEM_MALLOC_CONF` (`MALLOC_CONF` if jemalloc is built unprefixed)"
            .into()),
        None => Err("jemalloc does not report whether its heap profiler is active".into()),
    }
}

/// Checks that the profiler exists and can be turned on.
pub(crate) fn enabled(state: &ProfilingState) -> Result<(), String> {
    match (state.compiled, state.enabled) {
        (Some(true), Some(true)) => Ok(()),
        (Some(true), Some(false)) => Err(format!(
            "heap profiling was not enabled at start and cannot be enabled later; {HOW_TO_ENABLE}"
        )),
        (Some(false), _) => {
            Err("this jemalloc was built without profiling; build tikv-jemalloc-sys with its feature \
                                 `profiling`"
                .into())
        }
        _ => Err("jemalloc does not report whether its heap profiler is enabled".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(compiled: bool, enabled: bool, active: bool) -> ProfilingState {
        let mut state = ProfilingState::default();
        state.compiled = Some(compiled);
        state.enabled = Some(enabled);
        state.active = Some(active);
        state
    }

    #[test]
    fn only_a_sampling_profiler_is_ready() {
        assert_eq!(readiness(&state(true, true, true)), Ok(()));
        assert!(readiness(&state(true, true, false)).unwrap_err().contains("PUT /profiling"));
        assert!(readiness(&state(true, false, false)).unwrap_err().contains("install!()"));
        assert!(readiness(&state(false, false, false)).unwrap_err().contains("feature `profiling`"));
        assert!(readiness(&ProfilingState::default()).is_err());
    }

    #[test]
    fn the_sample_rate_is_a_power_of_two() {
        assert_eq!(sample_bytes(0), Ok(1));
        assert_eq!(sample_bytes(19), Ok(524_288));
        assert!(sample_bytes(64).is_err());
    }

    #[cfg(feature = "jemalloc")]
    #[test]
    fn a_profiler_that_is_not_enabled_has_no_rate_and_no_start() {
        let mut unavailable = Unavailable::default();
        let generation = super::super::generation();
        let state = read_profiling(Some("2026-11-20T09:00:00Z".into()), generation, &mut unavailable);
        assert_eq!((state.compiled, state.enabled), (Some(true), Some(false)));
        assert_eq!((state.sample_bytes, state.active_since), (None, None));
        let reason = unavailable.get("allocator.profiling.active_since").unwrap();
        assert!(reason.contains("_RJEM_MALLOC_CONF=prof:true"), "{reason}");
        assert_eq!(unavailable.get("allocator.profiling.sample_bytes"), Some(reason));
        assert_eq!((state.unwinder, unavailable.get("allocator.profiling.unwinder")), (None, Some(reason)));
    }
}
