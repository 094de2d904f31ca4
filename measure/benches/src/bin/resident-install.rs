//! The program of `measure/resident` with `install!()`.

use std::process::ExitCode;

#[path = "../resident.rs"]
mod resident;

memory_debug_core::install!();
fn main() -> ExitCode {
    match resident::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("resident-install: {error}");
            ExitCode::FAILURE
        }
    }
}
