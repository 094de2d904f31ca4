//! Export of profiles to the formats of other tools.

mod call_tree;
mod collapsed;
#[cfg(feature = "flamegraph")]
mod flamegraph;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod largest;
mod pprof;
mod raw;

pub use collapsed::{CollapsedOptions, CollapsedStacks, Count, Leaf};
#[cfg(feature = "flamegraph")]
pub use flamegraph::FlamegraphOptions;
pub use pprof::{PprofOptions, PprofSymbols};
