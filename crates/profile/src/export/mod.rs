//! A symbolised profile in the formats of other tools, one a module.

mod pprof;

pub use pprof::{PprofOptions, PprofSymbols};
