use std::cell::{Cell, RefCell};

use super::super::generation::When;
use super::*;

/// Fake switches that record what was done to them, and refuse on request.
struct Fake {
    configured: Setting,
    setting: Cell<Setting>,
    done: RefCell<Vec<String>>,
    refused: Cell<&'static str>,
    now: Cell<Now>,
}

impl Fake {
    fn new(active: bool) -> Self {
        let configured = Setting { active, lg_sample: 19 };
        Self {
            configured,
            setting: Cell::new(configured),
            done: RefCell::default(),
            refused: Cell::new("nothing"),
            now: Cell::new(Now { instant: Instant::now(), time: SystemTime::UNIX_EPOCH }),
        }
    }

    fn pass(&self, seconds: u64) {
        let Now { instant, time } = self.now.get();
        let span = Duration::from_secs(seconds);
        self.now.set(Now { instant: instant + span, time: time + span });
    }

    /// The actions since the last call.
    fn done(&self) -> String {
        self.done.take().join(", ")
    }

    fn act(&self, what: String, setting: Setting) -> Result<(), String> {
        if what.starts_with(self.refused.get()) {
            return Err(format!("{what} refused"));
        }
        self.done.borrow_mut().push(what);
        self.setting.set(setting);
        Ok(())
    }
}

impl Switches for Fake {
    fn configured(&self) -> Result<Setting, String> {
        Ok(self.configured)
    }

    fn setting(&self) -> Result<Setting, String> {
        Ok(self.setting.get())
    }

    fn set_active(&self, active: bool) -> Result<(), String> {
        self.act(if active { "on" } else { "off" }.into(), Setting { active, ..self.setting.get() })
    }

    fn reset(&self, lg_sample: usize) -> Result<(), String> {
        self.act(format!("reset {lg_sample}"), Setting { lg_sample, ..self.setting.get() })
    }

    fn now(&self) -> Now {
        self.now.get()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// The number of the generation, since when it is complete, and how often sampling was off.
fn samples(sampling: &mut Sampling, fake: &Fake) -> (u64, Option<When>, u64) {
    let generation = sampling.generation(fake).unwrap();
    (generation.number(), generation.complete_since(), generation.pauses())
}

fn at(seconds: u64) -> When {
    When::At(time(seconds))
}

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_window_turns_sampling_on_and_its_end_turns_it_off() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    fake.pass(5);
    sampling.open(&fake, MINUTE, None).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("on", (0, Some(at(5)), 0)));
    assert_eq!(sampling.window().unwrap().until.time, time(65));
    fake.pass(59);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!((fake.done().as_str(), sampling.version()), ("", 1));
    fake.pass(1);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("off", (0, Some(at(5)), 0)));
    assert_eq!((sampling.window(), sampling.version()), (None, 2));
}

#[test]
fn sampling_that_was_on_by_configuration_stays_on() {
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    sampling.open(&fake, MINUTE, None).unwrap();
    fake.pass(60);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("", (0, Some(When::Start), 0)));
    assert_eq!((sampling.window(), sampling.version()), (None, 2));
}

#[test]
fn a_second_activation_moves_the_end_and_keeps_the_original_setting() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    sampling.open(&fake, MINUTE, None).unwrap();
    fake.pass(30);
    sampling.open(&fake, MINUTE, None).unwrap();
    assert_eq!(samples(&mut sampling, &fake), (0, Some(at(0)), 0), "sampling was on all the time");
    fake.pass(59);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!(fake.done(), "on");
    fake.pass(1);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!((fake.done().as_str(), fake.setting.get().active), ("off", false));
}

#[test]
fn the_end_can_also_be_moved_forward() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    sampling.open(&fake, MINUTE, None).unwrap();
    sampling.open(&fake, Duration::from_secs(1), None).unwrap();
    fake.pass(1);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!(fake.done(), "on, off");
}

#[test]
fn another_rate_resets_before_sampling_begins_and_again_at_the_end_after_it() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    sampling.open(&fake, MINUTE, Some(16)).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("reset 16, on", (1, Some(at(0)), 0)));
    sampling.close(&fake).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("off, reset 19", (2, None, 0)));
}

#[test]
fn another_rate_while_on_by_configuration_discards_twice_and_says_since_when() {
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    fake.pass(100);
    sampling.open(&fake, MINUTE, Some(16)).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("reset 16", (1, Some(at(100)), 0)));
    fake.pass(60);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("reset 19", (2, Some(at(160)), 0)));
}

#[test]
fn the_same_rate_discards_nothing_and_a_second_rate_returns_to_the_first() {
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    sampling.open(&fake, MINUTE, Some(19)).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("", (0, Some(When::Start), 0)));
    sampling.open(&fake, MINUTE, Some(16)).unwrap();
    sampling.open(&fake, MINUTE, Some(12)).unwrap();
    // Without a rate, the window's rate stays.
    sampling.open(&fake, MINUTE, None).unwrap();
    sampling.close(&fake).unwrap();
    assert_eq!(fake.done(), "reset 16, reset 12, reset 19");
}

#[test]
fn without_a_window_there_is_nothing_to_close() {
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    sampling.close(&fake).unwrap();
    assert_eq!((fake.done().as_str(), sampling.version()), ("", 0));
}

#[test]
fn sampling_that_other_code_turned_off_stays_off() {
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    sampling.open(&fake, MINUTE, None).unwrap();
    fake.set_active(false).unwrap();
    sampling.close(&fake).unwrap();
    assert_eq!(fake.done(), "off");
}

#[test]
fn a_second_window_at_the_same_rate_follows_a_pause() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    sampling.open(&fake, MINUTE, None).unwrap();
    fake.pass(60);
    sampling.close_if_due(&fake).unwrap();
    fake.pass(60);
    sampling.open(&fake, MINUTE, None).unwrap();
    assert_eq!((fake.done().as_str(), samples(&mut sampling, &fake)), ("on, off, on", (0, Some(at(120)), 1)));
}

#[test]
fn changes_by_other_code_between_two_reads_are_in_the_samples() {
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    assert_eq!(samples(&mut sampling, &fake), (0, Some(When::Start), 0));
    fake.reset(16).unwrap();
    assert_eq!(samples(&mut sampling, &fake), (1, Some(When::Unknown("reset by other code")), 0));
    // This also holds before the first read: the switches differ from their configuration.
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    fake.reset(16).unwrap();
    sampling.open(&fake, MINUTE, Some(14)).unwrap();
    assert_eq!(samples(&mut sampling, &fake), (2, Some(at(0)), 0));
}

#[test]
fn a_reset_whose_activation_fails_begins_no_samples() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    fake.refused.set("on");
    sampling.open(&fake, MINUTE, Some(16)).unwrap_err();
    assert_eq!(samples(&mut sampling, &fake), (2, None, 0));
}

#[test]
fn a_change_that_fails_half_way_is_undone() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    fake.refused.set("on");
    assert_eq!(sampling.open(&fake, MINUTE, Some(16)), Err("on refused".into()));
    assert_eq!((fake.done().as_str(), sampling.window()), ("reset 16, reset 19", None));
    assert_eq!(fake.setting.get(), Setting { active: false, lg_sample: 19 });
}

#[test]
fn an_end_that_fails_is_tried_again() {
    let (fake, mut sampling) = (Fake::new(false), Sampling::new());
    sampling.open(&fake, MINUTE, None).unwrap();
    fake.pass(60);
    fake.refused.set("off");
    assert!(sampling.close_if_due(&fake).is_err());
    assert!(sampling.window().is_some());
    fake.refused.set("nothing");
    sampling.close_if_due(&fake).unwrap();
    assert_eq!((fake.done().as_str(), sampling.window()), ("on, off", None));
}

#[test]
fn a_window_opens_with_any_clock() {
    for time in crate::process::unusual_clocks() {
        let fake = Fake::new(true);
        fake.now.set(Now { time, ..fake.now.get() });
        let mut sampling = Sampling::new();
        sampling.open(&fake, Duration::from_secs(3600), Some(12)).unwrap();
        assert!(sampling.window().unwrap().until.time >= time);
    }
}

#[test]
fn what_a_change_discarded_is_known_until_the_next_change() {
    let (fake, mut sampling) = (Fake::new(true), Sampling::new());
    assert_eq!(sampling.discarded(), None);
    sampling.open(&fake, MINUTE, Some(16)).unwrap();
    let lost = DiscardedSamples::default();
    sampling.note_discarded(Ok(lost));
    assert_eq!(sampling.discarded(), Some(Ok(lost)));
    fake.pass(60);
    sampling.close_if_due(&fake).unwrap();
    assert_eq!(sampling.discarded(), None);
    sampling.note_discarded(Err("no dump".to_owned()));
    assert_eq!(sampling.discarded(), Some(Err("no dump".to_owned())));
}
