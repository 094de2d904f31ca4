//! What the kernel tells about this process and its container.
//!
//! Every function takes the folder that `/proc` is mounted at, so that tests can bring their own. Where there is no
//! `/proc` (other systems than Linux) the answers are "no" with that reason.

mod addresses;
mod cgroup;
#[cfg(test)]
mod fixture;
mod machine;
mod proc;
mod start;

pub(crate) use addresses::read_address_room;
pub(crate) use cgroup::read_cgroup;
#[cfg(test)]
pub(crate) use fixture::{Tree, unusual_clocks};
pub(crate) use machine::read_machine;
pub(crate) use proc::read_process;
pub use start::start_ticks;
pub(crate) use start::{Clocks, read_start};
