//! Ctrl-C: the cursor comes back, half a file does not stay.

use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::failure::Status;

/// Whether there is a loop that ends the program itself, and whether it has to.
static IS_LEFT_TO_LOOP: AtomicBool = AtomicBool::new(false);
static IS_DUE: AtomicBool = AtomicBool::new(false);

/// How long the loop has for that. The screen looks ten times a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// The file that is being written.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Ends the program at Ctrl-C, SIGTERM and SIGHUP after it has cleaned up.
pub(crate) fn listen() {
    // Without it the system ends the program, only less tidily.
    let _ = ctrlc::set_handler(|| {
        if IS_LEFT_TO_LOOP.load(Ordering::SeqCst) {
            IS_DUE.store(true, Ordering::SeqCst);
            // A loop that is stuck cannot: crossterm 0.29 reads on and on from a terminal that is gone.
            thread::sleep(PATIENCE);
        }
        if let Some(path) = unfinished().take() {
            let _ = std::fs::remove_file(path);
        }
        if stderr().is_terminal() {
            // A bar hides the cursor.
            eprint!("\r\x1b[K\x1b[?25h");
        }
        std::process::exit(Status::Interrupted as i32);
    });
}

/// From now on an interrupt only says so here, to a loop that has a terminal to give back before it ends the program.
pub(crate) fn leave_to_loop() -> &'static AtomicBool {
    IS_LEFT_TO_LOOP.store(true, Ordering::SeqCst);
    &IS_DUE
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
