//! The origin of jemalloc's samples: the number of discards, the time since which they were taken, and the gaps.
//!
//! Samples of one *generation* can be compared: an allocation that is in an earlier profile and not in a later
//! profile was freed. A `prof.reset` discards all samples and begins the next generation. While `prof.active` is off,
//! samples survive and frees are seen, but allocations are never seen. Such a time is a *pause*.
//!
//! jemalloc counts neither discards nor pauses, so this module counts the changes that this crate makes. It detects
//! changes by other code from the switches, each time it reads them. A reset at the same rate leaves no trace in the
//! switches, and neither does a pause between two reads.

use std::time::SystemTime;

use memory_debug_report::SampleOrigin;

use super::setting::Setting;
use crate::mallctl::sample_bytes;
use crate::timestamp;

/// When a switch was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At the start of the process, by configuration.
    Start,
    At(SystemTime),
    /// Other code changed it.
    Unknown(&'static str),
}

/// The current samples, and the switches as they were last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    number: u64,
    /// `None` until something was sampled.
    began: Option<When>,
    pauses: u64,
    /// The end of the last pause.
    resumed: Option<When>,
    seen: Setting,
}

impl Generation {
    /// Makes the first generation of a process whose switches were configured with `setting`.
    pub(crate) fn configured(setting: Setting) -> Self {
        let began = setting.active.then_some(When::Start);
        Self { number: 0, began, pauses: 0, resumed: None, seen: setting }
    }

    /// Records changes that other code made. The switches are now in the state `setting`.
    pub(crate) fn observe(&mut self, setting: Setting) {
        if setting.lg_sample != self.seen.lg_sample {
            self.reset(setting.lg_sample);
            if setting.active {
                self.began = Some(When::Unknown("reset by other code"));
            }
        } else if setting.active && !self.seen.active {
            let what = match (self.number, self.began) {
                (0, None) => "turned on some time after the start",
                _ => "turned on by other code",
            };
            self.begin(When::Unknown(what));
        }
        self.seen = setting;
    }

    /// Records that `prof.reset` discarded all samples.
    pub(crate) fn reset(&mut self, lg_sample: usize) {
        let seen = Setting { lg_sample, ..self.seen };
        *self = Self { number: self.number.saturating_add(1), began: None, pauses: 0, resumed: None, seen };
    }

    /// Records that `prof.active` was turned off.
    pub(crate) fn turn_off(&mut self) {
        self.seen.active = false;
    }

    /// Records that every allocation since this time may be sampled.
    pub(crate) fn turn_on(&mut self, at: SystemTime) {
        self.begin(When::At(at));
        self.seen.active = true;
    }

    fn begin(&mut self, when: When) {
        if self.began.is_none() {
            self.began = Some(when);
        } else {
            self.pauses = self.pauses.saturating_add(1);
            self.resumed = Some(when);
        }
    }

    /// How often samples were discarded before the current ones.
    #[cfg(test)]
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// When the first of the current samples may have been taken.
    #[cfg(test)]
    pub(crate) fn began(&self) -> Option<When> {
        self.began
    }

    /// How often sampling was off since then.
    #[cfg(test)]
    pub(crate) fn pauses(&self) -> u64 {
        self.pauses
    }

    /// When the last pause ended.
    #[cfg(test)]
    pub(crate) fn resumed(&self) -> Option<When> {
        self.resumed
    }

    /// The time since which every allocation may have been sampled.
    pub(crate) fn complete_since(&self) -> Option<When> {
        self.resumed.or(self.began)
    }

    /// The origin in the form of a report. `started_at` is when the process started.
    ///
    /// # Errors
    ///
    /// If jemalloc reports an impossible rate.
    pub(crate) fn origin(&self, started_at: Option<&str>) -> Result<SampleOrigin, String> {
        let time = |when: Option<When>| match when? {
            When::Start => started_at.map(str::to_owned),
            When::At(time) => Some(timestamp::millis(time)),
            When::Unknown(_) => None,
        };
        let mut origin = SampleOrigin::new(self.number, sample_bytes(self.seen.lg_sample)?);
        origin.began_at = time(self.began);
        origin.pauses = self.pauses;
        origin.resumed_at = time(self.resumed);
        Ok(origin)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ON: Setting = Setting { active: true, lg_sample: 19 };
    const OFF: Setting = Setting { active: false, ..ON };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn facts(generation: &Generation) -> (u64, Option<When>, u64, Option<When>) {
        (generation.number(), generation.began(), generation.pauses(), generation.resumed())
    }

    #[test]
    fn sampling_by_configuration_began_with_the_process() {
        let mut generation = Generation::configured(ON);
        generation.observe(ON);
        assert_eq!(facts(&generation), (0, Some(When::Start), 0, None));
        assert_eq!(facts(&Generation::configured(OFF)), (0, None, 0, None));
    }

    #[test]
    fn a_pause_keeps_the_generation_and_is_counted_when_it_ends() {
        let mut generation = Generation::configured(OFF);
        generation.turn_on(at(5));
        assert_eq!(facts(&generation), (0, Some(When::At(at(5))), 0, None));
        generation.turn_off();
        assert_eq!(generation.pauses(), 0);
        generation.turn_on(at(9));
        assert_eq!(facts(&generation), (0, Some(When::At(at(5))), 1, Some(When::At(at(9)))));
        assert_eq!(generation.complete_since(), Some(When::At(at(9))));
    }

    #[test]
    fn a_reset_begins_the_next_generation_without_pauses() {
        let mut generation = Generation::configured(ON);
        generation.turn_off();
        generation.turn_on(at(1));
        generation.reset(16);
        assert_eq!((facts(&generation), generation.seen.lg_sample), ((1, None, 0, None), 16));
        generation.turn_on(at(2));
        assert_eq!(facts(&generation), (1, Some(When::At(at(2))), 0, None));
    }

    #[test]
    fn notices_changes_by_other_code_without_their_time() {
        let reset = Some(When::Unknown("reset by other code"));
        let mut generation = Generation::configured(ON);
        generation.observe(Setting { lg_sample: 16, ..ON });
        assert_eq!(facts(&generation), (1, reset, 0, None));
        // The first rate is back, but the first samples are not.
        generation.observe(ON);
        assert_eq!(facts(&generation), (2, reset, 0, None));
        generation.observe(OFF);
        generation.observe(ON);
        assert_eq!(facts(&generation), (2, reset, 1, Some(When::Unknown("turned on by other code"))));
    }

    #[test]
    fn sampling_that_other_code_began_has_no_pause() {
        let mut generation = Generation::configured(OFF);
        generation.observe(ON);
        let began = Some(When::Unknown("turned on some time after the start"));
        assert_eq!(facts(&generation), (0, began, 0, None));
    }

    #[test]
    fn a_generation_has_its_times() {
        let mut generation = Generation::configured(ON);
        let origin = |generation: &Generation| generation.origin(Some("2026-11-20T09:00:00Z")).unwrap();
        let mut expected = SampleOrigin::new(0, 524_288);
        expected.began_at = Some("2026-11-20T09:00:00Z".into());
        assert_eq!(origin(&generation), expected);
        generation.reset(16);
        generation.turn_on(at(7));
        generation.turn_off();
        generation.turn_on(at(9));
        let mut expected = SampleOrigin::new(1, 65_536);
        expected.began_at = Some("1970-01-01T00:00:07.000Z".into());
        expected.pauses = 1;
        expected.resumed_at = Some("1970-01-01T00:00:09.000Z".into());
        assert_eq!(origin(&generation), expected);
        generation.observe(Setting { active: true, lg_sample: 12 });
        assert_eq!((origin(&generation).generation, origin(&generation).began_at), (2, None));
        assert_eq!(Generation::configured(ON).origin(None).unwrap().began_at, None);
    }
}
