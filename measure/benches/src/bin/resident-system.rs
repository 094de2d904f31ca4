//! The program of `measure/resident` with the system's allocator.

use std::process::ExitCode;

#[path = "../resident.rs"]
mod resident;

fn main() -> ExitCode {
    match resident::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("resident-system: {error}");
            ExitCode::FAILURE
        }
    }
}
