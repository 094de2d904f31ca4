//! Sampling for a time: what was changed here, and until when.
//!
//! jemalloc has two switches, process-wide: `prof.active`, and the rate, which only `prof.reset` changes - and that
//! discards all counts, because samples of different rates cannot be summed. It remembers neither when they were
//! turned nor by whom, so that is remembered here.
//!
//! All changes are made in a *window*, which ends by itself. Afterwards the switches are as they were before.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::generation::Generation;
use super::setting::Setting;
use crate::mallctl;

/// The switches, and the clock to remember by.
pub(crate) trait Switches {
    /// How they were configured at the start of the process.
    fn configured(&self) -> Result<Setting, String>;
    fn setting(&self) -> Result<Setting, String>;
    /// `prof.active`.
    fn set_active(&self, active: bool) -> Result<(), String>;
    /// `prof.reset`.
    fn reset(&self, lg_sample: usize) -> Result<(), String>;
    fn now(&self) -> Now;
}

/// A moment, to wait for and to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) time: SystemTime,
}

/// A time in which the switches are not as they were before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) until: Now,
    pub(crate) before: Setting,
}

/// What was done to the switches.
#[derive(Debug)]
pub(crate) struct Sampling {
    version: u64,
    window: Option<Window>,
    /// `None` before the switches were looked at.
    generation: Option<Generation>,
}

/// The one of this process, as jemalloc has one profiler. Held during changes, which are brief, unless `prof.reset`
/// waits for a dump.
pub(crate) fn sampling() -> MutexGuard<'static, Sampling> {
    static SAMPLING: Mutex<Sampling> = Mutex::new(Sampling::new());
    // Nothing here panics while it is changed.
    SAMPLING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The samples that jemalloc holds now.
///
/// # Errors
///
/// jemalloc does not tell its switches.
pub(crate) fn generation() -> Result<Generation, String> {
    sampling().generation(&RealSwitches)
}

impl Sampling {
    pub(crate) const fn new() -> Self {
        Self { version: 0, window: None, generation: None }
    }

    /// Differs after each change, also one by the deadline.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn window(&self) -> Option<Window> {
        self.window
    }

    /// The samples that are there now. Notes what other code has done to the switches since they were last looked at.
    ///
    /// # Errors
    ///
    /// jemalloc does not tell its switches.
    pub(crate) fn generation(&mut self, switches: &impl Switches) -> Result<Generation, String> {
        let setting = switches.setting()?;
        self.look(switches, setting).map(|generation| *generation)
    }

    fn look(&mut self, switches: &impl Switches, setting: Setting) -> Result<&mut Generation, String> {
        let generation = match &mut self.generation {
            Some(generation) => generation,
            none => none.insert(Generation::configured(switches.configured()?)),
        };
        generation.look(setting);
        Ok(generation)
    }

    /// Samples for this long from now, at another rate if one is given. In an open window, moves its end.
    ///
    /// # Errors
    ///
    /// jemalloc refused. The window is closed then, as far as jemalloc lets it.
    pub(crate) fn open(
        &mut self,
        switches: &impl Switches,
        time: Duration,
        lg_sample: Option<usize>,
    ) -> Result<(), String> {
        let current = switches.setting()?;
        let before = self.window.map_or(current, |window| window.before);
        let begin = switches.now();
        // A clock at the end of all times has none later.
        let end = begin.time.checked_add(time).unwrap_or(begin.time);
        let until = Now { instant: begin.instant + time, time: end };
        // First of all, so that there is an end even if half of the rest fails.
        self.window = Some(Window { until, before });
        self.version += 1;
        let wanted = Setting { active: true, lg_sample: lg_sample.unwrap_or(current.lg_sample) };
        self.turn(switches, current, wanted).inspect_err(|_| drop(self.close(switches)))
    }

    /// Ends the window: sampling is as it was before. Without a window nothing happens.
    ///
    /// # Errors
    ///
    /// jemalloc refused; the window stays, so that it can be tried again.
    pub(crate) fn close(&mut self, switches: &impl Switches) -> Result<(), String> {
        let Some(window) = self.window else { return Ok(()) };
        let current = switches.setting()?;
        // Who else turned sampling off in the meantime wanted it off.
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
        let generation = self.look(switches, current)?;
        // Off comes first: it waits for nobody, whereas a reset waits for a dump.
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
            // Now and not before: what was allocated during the change is not surely in.
            generation.turn_on(switches.now().time);
        }
        Ok(())
    }
}

/// jemalloc's.
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
        mallctl::PROF_RESET.write(lg_sample).map_err(|error| error.to_string())
    }

    fn now(&self) -> Now {
        Now { instant: Instant::now(), time: SystemTime::now() }
    }
}

#[cfg(test)]
mod tests;
