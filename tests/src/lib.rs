//! Tools for the tests across crates: a service on a real socket, a client that sends raw bytes, collectors
//! that tests control, and measurements of this process to compare with.
//!
//! The allocator is a property of the process, so each allocator configuration has its own test binary:
//!
//! | Binary | Allocator |
//! |---|---|
//! | `jemalloc` | `install!(lg_prof_sample = 12)` |
//! | `system_allocator` | the system's; `install!` was forgotten |
//! | `lazy` | jemalloc as `install!` sets it up, with every allocation counted |
//! Nothing here sleeps. [`within_limit`] ends tests that would otherwise hang.

#![allow(clippy::unwrap_used, reason = "everything here is a part of tests")]

mod client;
mod collectors;
mod events;
mod folder;
mod fork;
mod login;
mod mallctl_calls;
mod own_process;
mod process;
mod server;
mod size_class;
mod time_limit;
mod visits;

pub use client::{Connection, Request, RequestParts, Response};
pub use collectors::{CountingCollector, GateKeeper, GatedCollector, empty_report, fixed_report};
pub use events::Events;
pub use folder::Folder;
pub use fork::in_child;
pub use login::{PASSWORD, USER, authorization, basic, credentials};
pub use mallctl_calls::mallctl_calls;
pub use own_process::OwnProcess;
pub use process::ProcessState;
pub use server::Server;
pub use size_class::size_class;
pub use time_limit::{LIMIT, within_limit};
pub use visits::{Visited, Visits, VisitsLayer};
