//! The terminal, which gets back what was changed however this ends.

use std::io::{self, Stdout, stdout};
use std::sync::Once;
use std::{panic, thread};

use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// A screen of our own: the other screen of the terminal, without cursor, echo and line editing. Dropped, or if this
/// thread panics, the terminal is as before.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// # Errors
    ///
    /// If the terminal cannot do that. It is then as before.
    pub(super) fn enter() -> io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        let terminal = execute!(stdout(), EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        match terminal {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// A message that is written to the other screen is gone with it, so the terminal is restored first. Threads that ask
/// have their panics caught; the screen goes on, and must not be written to.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let (screen_thread, report) = (thread::current().id(), panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == screen_thread {
                restore();
                report(info);
            }
        }));
    });
}

/// If the terminal is gone, there is nothing to restore.
fn restore() {
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs a terminal; scripts/terminal gives it one, and looks at what is left"]
    fn a_panic_leaves_the_terminal_as_it_was() {
        let _screen = Screen::enter().unwrap();
        panic!("a panic with a screen");
    }
}
