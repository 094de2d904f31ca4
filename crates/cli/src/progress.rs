//! How far it is, for whoever looks: on standard error, only on a terminal, only if it takes longer than a second.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const PATIENCE: Duration = Duration::from_secs(1);

/// A bar, or a spinner if nobody knows how much there is to do.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begin: Instant,
    is_shown: Cell<bool>,
}

impl Progress {
    /// `total` 0 is for "nobody knows".
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target((total > 0).then_some(total), ProgressDrawTarget::hidden());
        let template = if total > 0 { "{msg} {bar:30} {pos}/{len} {eta}" } else { "{msg} {spinner} {pos}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, begin: Instant::now(), is_shown: Cell::new(false) }
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        if !self.is_shown.get() && self.begin.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.is_shown.set(true);
        }
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
