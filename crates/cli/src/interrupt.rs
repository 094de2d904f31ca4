//! Ctrl-C: the cursor comes back, half a file does not stay.

use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The status that shells expect of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// The file that is being written.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Ends the program at Ctrl-C, SIGTERM and SIGHUP after it has cleaned up.
pub(crate) fn listen() {
    // Without it the system ends the program, only less tidily.
    let _ = ctrlc::set_handler(|| {
        if let Some(path) = unfinished().take() {
            let _ = std::fs::remove_file(path);
        }
        if stderr().is_terminal() {
            // A bar hides the cursor.
            eprint!("\r\x1b[K\x1b[?25h");
        }
        std::process::exit(INTERRUPTED);
    });
}

/// While `write` runs, `path` is a file that must not stay if it is interrupted.
pub(crate) fn while_writing<T>(path: &Path, write: impl FnOnce() -> T) -> T {
    *unfinished() = Some(path.to_owned());
    let result = write();
    *unfinished() = None;
    result
}

fn unfinished() -> std::sync::MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}
