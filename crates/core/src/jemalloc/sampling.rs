//! Sampling for a limited time: the changes that this crate made, and when they end.
//!
//! jemalloc has two process-wide switches: `prof.active`, and the rate. Only `prof.reset` changes the rate, and
//! it discards all counts, because samples of different rates cannot be summed. jemalloc does not remember when
//! a switch was changed, so this module does.
//!
//! Every change happens in a *window*, which ends by itself. Afterwards the switches are back in their earlier state.

use std::time::{Duration, Instant, SystemTime};

use memory_debug_report::DiscardedSamples;

use super::generation::Generation;
use super::setting::Setting;
use crate::fork::ForkSafe;
use crate::mallctl;
use crate::samples;

/// The switches of the profiler, and the clock.
pub(crate) trait Switches {
    /// How the switches were configured at the start of the process.
    fn configured(&self) -> Result<Setting, String>;
    fn setting(&self) -> Result<Setting, String>;
    /// `prof.active`.
    fn set_active(&self, active: bool) -> Result<(), String>;
    /// `prof.reset`.
    fn reset(&self, lg_sample: usize) -> Result<(), String>;
    fn now(&self) -> Now;
}

/// A moment by two clocks: one to wait for, one to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) time: SystemTime,
}

/// A period in which the switches differ from their earlier state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) until: Now,
    pub(crate) before: Setting,
}

/// The changes made to the switches.
#[derive(Debug)]
pub(crate) struct Sampling {
    version: u64,
    window: Option<Window>,
    /// `None` until the switches were read.
    generation: Option<Generation>,
    /// What the last change of the rate discarded, and the version after it.
    discarded: Option<(u64, Discarded)>,
}

/// Samples that a change of the rate discarded, or why they are not known.
pub(crate) type Discarded = Result<DiscardedSamples, String>;

/// The sampling state of this process; jemalloc has one profiler. The lock is held during changes, which are
/// brief unless `prof.reset` waits for a dump.
pub(crate) static SAMPLING: ForkSafe<Sampling> = ForkSafe::new(Sampling::new());

/// The samples that jemalloc holds now.
///
/// # Errors
///
/// If jemalloc does not report its switches.
pub(crate) fn generation() -> Result<Generation, String> {
    SAMPLING.lock().generation(&RealSwitches)
}

impl Sampling {
    pub(crate) const fn new() -> Self {
        Self { version: 0, window: None, generation: None, discarded: None }
    }

    /// A number that differs after each change, including the change at the deadline.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn window(&self) -> Option<Window> {
        self.window
    }

    /// Notes what the change to the present version discarded.
    pub(crate) fn note_discarded(&mut self, discarded: Discarded) {
        self.discarded = Some((self.version, discarded));
    }

    /// What the change to the present version discarded. `None` if it discarded nothing.
    pub(crate) fn discarded(&self) -> Option<Discarded> {
        self.discarded.clone().filter(|(version, _)| *version == self.version).map(|(_, discarded)| discarded)
    }

    /// The current samples. Records what other code has done to the switches since they were last read.
    ///
    /// # Errors
    ///
    /// If jemalloc does not report its switches.
    pub(crate) fn generation(&mut self, switches: &impl Switches) -> Result<Generation, String> {
        let setting = switches.setting()?;
        self.observe(switches, setting).map(|generation| *generation)
    }

    fn observe(&mut self, switches: &impl Switches, setting: Setting) -> Result<&mut Generation, String> {
        let generation = match &mut self.generation {
            Some(generation) => generation,
            none => none.insert(Generation::configured(switches.configured()?)),
        };
        generation.observe(setting);
        Ok(generation)
    }

    /// Turns sampling on for `time` from now, at another rate if a rate is given. If a window is open, moves its end.
    ///
    /// # Errors
    ///
    /// If jemalloc refused the change. The window is then closed, as far as jemalloc permits.
    pub(crate) fn open(
        &mut self,
        switches: &impl Switches,
        time: Duration,
        lg_sample: Option<usize>,
    ) -> Result<(), String> {
        let current = switches.setting()?;
        let before = self.window.map_or(current, |window| window.before);
        let begin = switches.now();
        // A clock at the end of its range has no later time.
        let end = begin.time.checked_add(time).unwrap_or(begin.time);
        let until = Now { instant: begin.instant + time, time: end };
        // This comes first, so that the window has an end even if the rest fails half way.
        self.window = Some(Window { until, before });
        self.version += 1;
        let wanted = Setting { active: true, lg_sample: lg_sample.unwrap_or(current.lg_sample) };
        self.turn(switches, current, wanted).inspect_err(|_| drop(self.close(switches)))
    }

    /// Ends the window: sampling returns to its earlier state. Does nothing without a window.
    ///
    /// # Errors
    ///
    /// If jemalloc refused the change. The window stays, so that the caller can try again.
    pub(crate) fn close(&mut self, switches: &impl Switches) -> Result<(), String> {
        let Some(window) = self.window else { return Ok(()) };
        let current = switches.setting()?;
        // If other code turned sampling off in the meantime, sampling stays off.
        let active = window.before.active && current.active;
        self.turn(switches, current, Setting { active, ..window.before })?;
        self.window = None;
        self.version += 1;
        Ok(())
    }

    /// Closes the window if its time is over.
    pub(crate) fn close_if_due(&mut self, switches: &impl Switches) -> Result<(), String> {
        match self.window {
            Some(window) if window.until.instant <= switches.now().instant => self.close(switches),
            _ => Ok(()),
        }
    }

    fn turn(&mut self, switches: &impl Switches, current: Setting, wanted: Setting) -> Result<(), String> {
        let generation = self.observe(switches, current)?;
        // Turning sampling off comes first, because it does not wait, whereas a reset waits for a dump.
        if current.active && !wanted.active {
            switches.set_active(false)?;
            generation.turn_off();
        }
        let is_reset = current.lg_sample != wanted.lg_sample;
        if is_reset {
            switches.reset(wanted.lg_sample)?;
            generation.reset(wanted.lg_sample);
        }
        let is_turned_on = wanted.active && !current.active;
        if is_turned_on {
            switches.set_active(true)?;
        }
        if wanted.active && (is_reset || is_turned_on) {
            // The time is read after the change, because allocations during the change may be missing.
            generation.turn_on(switches.now().time);
        }
        Ok(())
    }
}

/// The switches of jemalloc.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealSwitches;

impl Switches for RealSwitches {
    fn configured(&self) -> Result<Setting, String> {
        let active = mallctl::OPT_PROF_ACTIVE.read().map_err(|error| error.to_string())?;
        let lg_sample = mallctl::OPT_LG_PROF_SAMPLE.read().map_err(|error| error.to_string())?;
        Ok(Setting { active, lg_sample })
    }

    fn setting(&self) -> Result<Setting, String> {
        let active = mallctl::PROF_ACTIVE.read().map_err(|error| error.to_string())?;
        let lg_sample = mallctl::PROF_LG_SAMPLE.read().map_err(|error| error.to_string())?;
        Ok(Setting { active, lg_sample })
    }

    fn set_active(&self, active: bool) -> Result<(), String> {
        mallctl::PROF_ACTIVE.write(active).map_err(|error| error.to_string())
    }

    fn reset(&self, lg_sample: usize) -> Result<(), String> {
        mallctl::PROF_RESET.write(lg_sample).map_err(|error| error.to_string())?;
        // Afterwards, because a reset can wait for a dump. What is sampled in between is missing at worst.
        samples::discard();
        Ok(())
    }

    fn now(&self) -> Now {
        Now { instant: Instant::now(), time: SystemTime::now() }
    }
}

#[cfg(test)]
mod tests;
