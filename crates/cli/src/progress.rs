//! The progress bar: on standard error, only on a terminal, and only after a second.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const PATIENCE: Duration = Duration::from_secs(1);

/// A progress bar, or a spinner if the total is unknown.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begin: Instant,
    is_shown: Cell<bool>,
}

impl Progress {
    /// A `total` of 0 means that it is unknown.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target((total > 0).then_some(total), ProgressDrawTarget::hidden());
        let template = if total > 0 { "{msg} {bar:30} {pos}/{len} {eta}" } else { "{msg} {spinner} {pos}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, begin: Instant::now(), is_shown: Cell::new(false) }
    }

    /// Waits for `time`.
    pub(crate) fn wait(what: &'static str, time: Duration) {
        let begin = Instant::now();
        let tick = Duration::from_millis(200);
        let progress = Self::new(what, time.as_millis().div_ceil(tick.as_millis()) as u64);
        while let Some(left) = time.checked_sub(begin.elapsed()) {
            thread::sleep(left.min(tick));
            progress.step();
        }
    }

    /// Counts one finished step.
    pub(crate) fn step(&self) {
        self.draw_in_time();
        self.bar.inc(1);
    }

    /// Shows that this number of steps is finished.
    pub(crate) fn show(&self, steps: u64) {
        self.draw_in_time();
        self.bar.set_position(steps);
    }

    fn draw_in_time(&self) {
        if !self.is_shown.get() && self.begin.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.is_shown.set(true);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
