//! The view on a terminal.

use std::env;
use std::io::{self, IsTerminal as _, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use memory_debug_report::MemoryReport;

use super::draw::{self, Palette};
use super::keys;
use super::poll::{News, Poller};
use super::state::{State, Then};
use super::terminal::Screen;
use crate::failure::{Failure, Status};
use crate::interrupt;

/// The longest time until a signal or an answer is handled.
const TURN: Duration = Duration::from_millis(100);

/// How often new answers are taken into the table, all at once.
const REFRESH: Duration = Duration::from_millis(250);

/// Checks that standard output is a terminal with a screen.
///
/// # Errors
///
/// If it is not. The message names the commands that need no screen.
pub(crate) fn require_terminal() -> Result<(), Failure> {
    let instead = "`memory-debug types` and `memory-debug fleet` print once, `memory-debug top --batch N` prints N times";
    if !stdout().is_terminal() {
        return Err(Failure::usage(format!("standard output is not a terminal; {instead}")));
    }
    if env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(Failure::usage(format!("this terminal (TERM=dumb) cannot show a screen; {instead}")));
    }
    Ok(())
}

/// Shows `state` until the operator quits.
///
/// # Errors
///
/// If the terminal fails.
pub(super) fn run(
    mut state: State,
    interval: Duration,
    ask: impl Fn(usize) -> Result<MemoryReport, Failure> + Send + Sync + 'static,
) -> Result<ExitCode, Failure> {
    let (poller, news) = Poller::start(state.watched(), interval, ask);
    let failed = |error: io::Error| Failure::local(format!("cannot use the terminal: {error}"));
    let is_interrupted = interrupt::leave_to_loop();
    let mut screen = Screen::enter().map_err(failed)?;
    let then = show(&mut screen, &mut state, &poller, &news, is_interrupted).map_err(failed)?;
    Ok(if then == Then::Interrupt { Status::Interrupted.into() } else { ExitCode::SUCCESS })
}

fn show(
    screen: &mut Screen,
    state: &mut State,
    poller: &Poller,
    news: &Receiver<News>,
    is_interrupted: &AtomicBool,
) -> io::Result<Then> {
    let palette = palette();
    let mut refreshed: Option<Instant> = None;
    loop {
        if is_interrupted.load(Ordering::SeqCst) {
            return Ok(Then::Interrupt);
        }
        news.try_iter().for_each(|news| state.take(news));
        let now = Instant::now();
        if state.is_stale() && refreshed.is_none_or(|last| now.saturating_duration_since(last) >= REFRESH) {
            refreshed = Some(now);
            state.refresh(now);
        }
        screen.terminal.draw(|frame| {
            let area = frame.area();
            state.set_page(draw::page(state, now, area));
            draw::draw(state, now, palette, area, frame.buffer_mut());
        })?;
        // Handle all pending keys before drawing again.
        let mut wait = TURN;
        while event::poll(wait)? {
            wait = Duration::ZERO;
            let Event::Key(key) = event::read()? else { continue };
            let Some(action) = keys::action(key, state.mode()) else { continue };
            match state.act(action, Instant::now()) {
                Then::Go => poller.pause(state.is_paused()),
                then => return Ok(then),
            }
        }
    }
}

/// Without colours if `NO_COLOR` is set and not empty: <https://no-color.org>.
fn palette() -> Palette {
    if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        Palette::PLAIN
    } else {
        Palette::COLOURFUL
    }
}
