//! The switch from libgcc to the walk, and which of them runs.

use std::sync::OnceLock;

use memory_debug_report::{Unwinder, UnwinderState};

use super::hook::{self, Counts, TRIAL};
use super::registers::Registers;
use super::self_check::self_check;
use crate::mallctl;

/// Why libgcc stays, or nothing. Not set if the program did not ask for the walk.
static VERDICT: OnceLock<Result<(), String>> = OnceLock::new();

/// Replaces the unwinder of jemalloc's sampler, if the walk and libgcc agree about known stacks. `install!` makes the
/// first thread call it before `main`, so that all samples of the program have the same frames.
pub extern "C" fn start_unwinder() {
    hook::learn_first_thread(Registers::read());
    VERDICT.get_or_init(switch);
}

fn switch() -> Result<(), String> {
    let previous = mallctl::read_backtrace_hook()
        .map_err(|error| error.to_string())?
        .ok_or("jemalloc has no unwinder, because its profiler is off (`prof:true` turns it on)")?;
    self_check(previous).map_err(|refusal| refusal.reason().to_owned())?;
    hook::install(previous).map_err(|error| {
        format!("jemalloc refused another unwinder: {error}; its profiler must be on (`prof:true`)")
    })
}

/// The unwinder of jemalloc's sampler, and how many stacks it has read.
///
/// # Errors
///
/// If the allocator is not jemalloc, or its own unwinder is not libgcc's.
pub(crate) fn read_unwinder() -> Result<UnwinderState, String> {
    let counts = hook::counts();
    let not_switched = match VERDICT.get() {
        None => None,
        Some(Err(reason)) => Some(reason.clone()),
        Some(Ok(())) if !hook::is_installed().map_err(|error| error.to_string())? => {
            return Err("other code replaced the unwinder through `experimental.hooks.prof_backtrace`".into());
        }
        Some(Ok(())) if counts.has_given_up => Some(format!(
            "most of the first {TRIAL} walks lacked frames that libgcc found, so C code on most stacks has no frame \
             pointers; build jemalloc and other C code with them: `debug = \"line-tables-only\"` in the profile of \
             Cargo.toml, or `CFLAGS=-fno-omit-frame-pointer`"
        )),
        Some(Ok(())) => return Ok(state(Unwinder::FramePointers, counts)),
    };
    if !mallctl::CONFIG_PROF_LIBGCC.read().map_err(|error| error.to_string())? {
        return Err("jemalloc was built with another unwinder than libgcc's".into());
    }
    let mut state = state(Unwinder::Libgcc, counts);
    state.not_switched = not_switched;
    Ok(state)
}

fn state(name: Unwinder, counts: Counts) -> UnwinderState {
    let mut state = UnwinderState::new(name);
    (state.walked, state.fell_back) = (counts.walked, counts.fell_back);
    state
}
