//! The view as text, printed a number of times.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use memory_debug_report::{MemoryReport, units};

use super::draw;
use super::poll::News;
use super::state::State;
use crate::ask_all::ask_all;
use crate::failure::{Failure, Status};
use crate::login::Login;
use crate::output;
use crate::target::Target;

/// The width in columns if `COLUMNS` is not set.
const WIDTH: u16 = 120;

/// The number of instances that are asked at the same time.
const PARALLEL: usize = 32;

/// Prints `frames` tables. Each begins an `interval` after the previous table began.
///
/// # Errors
///
/// If no instance answered in the last round.
pub(super) fn run(
    mut state: State,
    frames: u32,
    rows: u16,
    interval: Duration,
    timeout: Duration,
    asked: &[(Target, Login)],
    ask: impl Fn(&Target, &Login, Duration) -> Result<MemoryReport, Failure> + Clone + Send + Sync + 'static,
) -> Result<ExitCode, Failure> {
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(WIDTH);
    for frame in 0..frames {
        let begin = Instant::now();
        ask_all(asked.to_vec(), PARALLEL, begin + timeout, ask.clone(), |target, answer| {
            let index = asked.iter().position(|(asked, _)| asked == target).unwrap_or(usize::MAX);
            state.take(News::Answered { index, at: Instant::now(), answer: Box::new(answer) });
        });
        let now = Instant::now();
        state.refresh(now);
        let gap = if frame == 0 { "" } else { "\n" };
        output::print(format!("{gap}{}", text(&mut state, now, width.clamp(20, 400), rows)))?;
        if frame + 1 < frames {
            thread::sleep(interval.saturating_sub(begin.elapsed()));
        }
    }
    if state.answering() == 0 {
        return Err(Failure::local("no instance answered in the last round"));
    }
    Ok(if state.answering() == state.watched() && state.unaddressed().is_empty() {
        ExitCode::SUCCESS
    } else {
        Status::Incomplete.into()
    })
}

/// A screen with at most `rows` rows, as text.
pub(super) fn text(state: &mut State, now: Instant, width: u16, rows: u16) -> String {
    let (all, _) = state.position();
    let shown = u16::try_from(all).unwrap_or(u16::MAX).clamp(1, rows.max(1));
    state.set_page(shown.into());
    let mut text = String::new();
    for line in draw::lines(&draw::text(state, now, width, shown)) {
        text.push_str(&line);
        text.push('\n');
    }
    let more = all.saturating_sub(shown.into());
    if more > 0 {
        text.push_str(&format!("… and {} more\n", units::count(more as u64)));
    }
    text
}
