//! The kernel's numbers for this process, its container and the machine.
//!
//! Every function takes the folder where `/proc` is mounted, so that tests can use a folder of their own. Without
//! `/proc` (on systems other than Linux), every value is missing for that reason.

mod addresses;
mod cgroup;
#[cfg(test)]
mod fixture;
mod machine;
mod proc;
mod start;

pub(crate) use addresses::read_address_room;
pub(crate) use cgroup::read_cgroup;
pub use cgroup::{ChargedGroup, ChargedGroups, charged_groups};
#[cfg(test)]
pub(crate) use fixture::{Tree, unusual_clocks};
pub(crate) use machine::read_machine;
pub(crate) use proc::read_process;
pub use start::start_ticks;
pub(crate) use start::{Clocks, read_start};
