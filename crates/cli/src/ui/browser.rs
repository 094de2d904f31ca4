//! Starts the browser of the operator.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use crate::failure::{Failure, notice};
use crate::interrupt;

/// The program that opens a file with the application for it.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Opens `address` in the browser.
///
/// Other users of this machine can read the arguments of programs, so the address is not one. The browser opens a file
/// of mode 0600 that leads to it. The file is removed when the program is interrupted.
///
/// # Errors
///
/// If the file cannot be written. If only the browser does not start, this prints a line: the operator can open the
/// address by hand.
pub(crate) fn open(address: &str) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::local(format!("cannot write a file for the browser: {error}"));
    let mut undo = interrupt::undo();
    let mut file =
        tempfile::Builder::new().prefix("memory-debug-").suffix(".html").tempfile().map_err(failed)?;
    file.write_all(memory_debug_web::leading_to(address).as_bytes()).map_err(failed)?;
    let (_, path) = file.keep().map_err(|error| failed(error.error))?;
    let argument = path.clone();
    *undo = Some(Box::new(move || _ = fs::remove_file(path)));
    drop(undo);
    let mut command = Command::new(OPENER);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // The opener of some systems ends only with the browser.
    thread::spawn(move || {
        let problem = match command.status() {
            Ok(status) if status.success() || cfg!(windows) => return,
            Ok(status) => format!("{OPENER} ended with {status}"),
            Err(error) => format!("{OPENER}: {error}"),
        };
        notice(&format!("cannot start a browser ({problem}); open the address yourself"));
    });
    Ok(())
}
