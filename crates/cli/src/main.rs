//! The command `memory-debug`: what holds the memory of live services, asked from outside.
//!
//! `args` says what can be typed, `commands` does it, one file each. Everything they share is below: `target` is whom
//! to ask, `login` as whom, `client` asks, over what `connect` makes, `failure` is what went wrong and which status the program ends with.

#![forbid(unsafe_code)]

mod args;
mod ask_all;
mod client;
mod commands;
mod connect;
mod discover;
mod failure;
mod input;
mod interrupt;
mod login;
mod netrc;
mod output;
mod progress;
mod proxy;
mod target;
mod top;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    interrupt::listen();
    let args = args::Args::parse();
    match commands::run(args) {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}
