//! The command `memory-debug`, which asks live services what holds their memory.
//!
//! # Modules, from the ground up
//!
//! - `failure`: what went wrong, and the exit status
//! - `input`: reads files up to a bound
//! - `interrupt`: cleans up at Ctrl-C
//! - `output`: writes results to standard output or to a file
//! - `progress`: the progress bar
//! - `saved`: reads saved reports and snapshots
//! - `netrc`: the format of `.netrc`
//! - `login`: finds the user and the password
//! - `target`: the address of an instance
//! - `proxy`: the connection through an HTTP proxy
//! - `unix_socket`: the connection through a Unix socket
//! - `connect`: opens connections
//! - `client`: sends requests and reads replies
//! - `stacks`: files with stacks, of this project and of other tools
//! - `ask_all`: sends one request to many instances at the same time
//! - `record`: reports and snapshots of several moments
//! - `connection_args`: the options for login, certificates, proxy and timeout
//! - `discover`: finds instances by file, URL or DNS
//! - `top`: the live view
//! - `ui`: the page for a browser without a password
//! - `commands`: the commands, one file each
//! - `args`: the command line as a whole

#![forbid(unsafe_code)]

mod args;
mod ask_all;
mod client;
mod commands;
mod connect;
mod connection_args;
mod discover;
mod failure;
mod input;
mod interrupt;
mod login;
mod netrc;
mod output;
mod progress;
mod proxy;
mod record;
mod saved;
mod stacks;
mod target;
mod top;
mod ui;
#[cfg(unix)]
mod unix_socket;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    interrupt::listen();
    match args::Args::parse().run() {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}
