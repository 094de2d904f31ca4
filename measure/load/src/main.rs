//! Measures how a service with the memory debug endpoint behaves under load: `load PROGRAM CORES SCRATCH`.
//!
//! Runs the service on these cores, in the empty folder `SCRATCH`. Both read the password from the file that
//! `MEMORY_DEBUG_PASSWORD_FILE` names.
//!
//! Prints a line for each promise, `PASS` or `FAIL`, with the figures. `measure/load/run` runs it for all services.

#![forbid(unsafe_code)]

mod checks;
mod client;
mod open_loop;
mod process_state;
mod request;
mod service;
mod trace;

use std::env;
use std::process::ExitCode;

use checks::Verdict;
use request::Login;
use service::Stage;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures all promises. A broken promise is not an error: errors are what prevented the measurement.
fn run() -> Result<()> {
    let [program, cores, scratch] = <[String; 3]>::try_from(env::args().skip(1).collect::<Vec<_>>())
        .map_err(|_| "usage: load PROGRAM CORES SCRATCH")?;
    let stage = Stage { program: program.into(), cores, scratch: scratch.into() };
    let login = Login::from_file()?;

    let plain = stage.start()?;
    print("p99 of another route", checks::neighbour(&plain));
    print("1,000 at once", checks::burst(&plain, &login));
    print("statistics in a loop", checks::scrape(&plain, &login));
    print("p99.9 during scans", checks::scan(&plain, &login));
    drop(plain);

    let traced = stage.start_traced()?;
    print("10,000 refusals a second", checks::flood(&traced, &login));
    print("1,000 at once, traced", checks::burst(&traced, &login));
    print("clients that hang up", checks::hang_up(&traced, &login));
    print("clients that do not read", checks::unread(&traced, &login));
    print("statistics in a loop, traced", checks::scrape(&traced, &login));
    Ok(())
}

/// Prints a verdict. A promise that could not be measured counts as broken.
fn print(name: &str, verdict: Result<Verdict>) {
    let Verdict { is_kept, figures } = verdict.unwrap_or_else(|error| Verdict {
        is_kept: false,
        figures: format!("the measurement failed: {error}"),
    });
    println!("{} {name}: {figures}", if is_kept { "PASS" } else { "FAIL" });
}
