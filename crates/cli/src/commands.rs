//! The commands, one file each.
//!
//! - `completions`, `man`, `password`, `config`: print a text without sending a request
//! - `fetch`, `types`, `doctor`: print one page of one instance
//! - `diff`: compares two reports or snapshots
//! - `convert`: writes a file with stacks for another tool
//! - `heap`: saves heap profiles; it knows formats from `convert`
//! - `flamegraph`, `symbolize`: draw or name a heap profile; `flamegraph` reads it with `heap`
//! - `monitor`: reads the captures of processes that were killed
//! - `trace`: counts where requests spend time and bytes
//! - `holders`: scans the heap for what holds the memory
//! - `report`: saves pages as one HTML file
//! - `fleet`: sums up many instances
//! - `top`: opens the live view
//! - `ui`: shows the page in a browser

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod convert;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod fetch;
pub(crate) mod flamegraph;
pub(crate) mod fleet;
pub(crate) mod heap;
pub(crate) mod holders;
pub(crate) mod man;
pub(crate) mod monitor;
pub(crate) mod password;
pub(crate) mod report;
pub(crate) mod symbolize;
pub(crate) mod top;
pub(crate) mod trace;
pub(crate) mod types;
pub(crate) mod ui;
