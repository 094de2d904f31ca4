//! What the command prints, to the byte, and the status that it ends with.
//!
//! Each case runs the program against servers that answer what lies in `data`; `expected` has the command line, both
//! outputs and the status. `MEMORY_DEBUG_BLESS=1 cargo test -p memory-debug-cli` rewrites it; read the difference.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "everything here is a part of tests")]

mod answers;
mod help;
mod proxy;
mod run;
mod server;
