//! Profiles in the formats of other tools, one a module.

#[cfg(feature = "flamegraph")]
mod flamegraph;
mod folded;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod largest;
mod pprof;
mod raw;

#[cfg(feature = "flamegraph")]
pub use flamegraph::FlamegraphOptions;
pub use folded::{Count, FoldedOptions, FoldedStacks, Leaf};
pub use pprof::{PprofOptions, PprofSymbols};
