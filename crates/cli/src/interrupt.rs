//! Cleans up at Ctrl-C: shows the cursor again, removes a half-written file, deletes a temporary snapshot.

use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::failure::Status;

/// Whether a loop ends the program by itself, and whether it must end now.
static IS_LEFT_TO_LOOP: AtomicBool = AtomicBool::new(false);
static IS_DUE: AtomicBool = AtomicBool::new(false);

/// How long the loop may take to end. The loop of the live view checks ten times a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Undoes an action that is not finished.
pub(crate) type Undo = Box<dyn FnOnce() + Send>;

static UNDO: Mutex<Option<Undo>> = Mutex::new(None);

/// Ends the program at Ctrl-C, SIGTERM and SIGHUP after it has cleaned up.
pub(crate) fn listen() {
    // If this fails, the system ends the program without the cleanup.
    let _ = ctrlc::set_handler(|| {
        if IS_LEFT_TO_LOOP.load(Ordering::SeqCst) {
            IS_DUE.store(true, Ordering::SeqCst);
            // A stuck loop cannot end the program: crossterm 0.29 reads from a closed terminal for ever.
            thread::sleep(PATIENCE);
        }
        // Locked until the end, so that no new action begins.
        let mut begun = undo();
        if let Some(undo) = begun.take() {
            undo();
        }
        if stderr().is_terminal() {
            // A progress bar hides the cursor.
            eprint!("\r\x1b[K\x1b[?25h");
        }
        std::process::exit(Status::Interrupted as i32);
    });
}

/// Leaves interrupts to a loop that must restore the terminal before the program ends. From now on, an interrupt sets
/// the returned flag.
pub(crate) fn leave_to_loop() -> &'static AtomicBool {
    IS_LEFT_TO_LOOP.store(true, Ordering::SeqCst);
    &IS_DUE
}

/// Locks the action to undo at an interrupt. An interrupt waits for the lock, so no action begins without being noted.
pub(crate) fn undo() -> MutexGuard<'static, Option<Undo>> {
    UNDO.lock().unwrap_or_else(PoisonError::into_inner)
}
