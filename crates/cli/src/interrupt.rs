//! Ctrl-C: the cursor comes back, half a file does not stay, nor does what an instance keeps for us.

use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::failure::Status;

/// Whether there is a loop that ends the program itself, and whether it has to.
static IS_LEFT_TO_LOOP: AtomicBool = AtomicBool::new(false);
static IS_DUE: AtomicBool = AtomicBool::new(false);

/// How long the loop has for that. The screen looks ten times a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes back what was only begun.
pub(crate) type Undo = Box<dyn FnOnce() + Send>;

static UNDO: Mutex<Option<Undo>> = Mutex::new(None);

/// Ends the program at Ctrl-C, SIGTERM and SIGHUP after it has cleaned up.
pub(crate) fn listen() {
    // Without it the system ends the program, only less tidily.
    let _ = ctrlc::set_handler(|| {
        if IS_LEFT_TO_LOOP.load(Ordering::SeqCst) {
            IS_DUE.store(true, Ordering::SeqCst);
            // A loop that is stuck cannot: crossterm 0.29 reads on and on from a terminal that is gone.
            thread::sleep(PATIENCE);
        }
        // Held to the end, so that nothing more is begun.
        let mut begun = undo();
        if let Some(undo) = begun.take() {
            undo();
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

/// What to do at an interrupt, which waits while this is held: what is begun meanwhile is noted or was not begun.
pub(crate) fn undo() -> MutexGuard<'static, Option<Undo>> {
    UNDO.lock().unwrap_or_else(PoisonError::into_inner)
}
