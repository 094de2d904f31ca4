//! Tests of what the command prints, byte by byte, and of its exit status.
//!
//! Each case runs the program against servers that answer with the files in `data`. `expected` contains the command
//! line, both outputs and the status. `MEMORY_DEBUG_BLESS=1 cargo test -p memory-debug-cli` rewrites it; read the
//! difference.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "everything here belongs to tests")]

mod answers;
mod help;
mod proxy;
mod report;
mod run;
mod server;
#[cfg(unix)]
mod trace;
mod ui;
#[cfg(unix)]
mod unix_socket;
