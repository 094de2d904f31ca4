//! The terminal, which is restored however the program ends.

use std::io::{self, Stdout, stdout};
use std::sync::Once;
use std::{panic, thread};

use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// The alternate screen of the terminal, without cursor, echo and line editing. The terminal is restored when this
/// value is dropped or this thread panics.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Switches to the alternate screen.
    ///
    /// # Errors
    ///
    /// If the terminal does not support it. The terminal is then restored.
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

/// Restores the terminal before a panic message is printed, because the message would disappear with the alternate
/// screen. Panics of polling threads are caught. They print nothing, because the screen stays in use.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let screen_thread = thread::current().id();
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == screen_thread {
                restore();
                report(info);
            }
        }));
    });
}

/// Restores the terminal. Errors are ignored: then the terminal is gone.
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
