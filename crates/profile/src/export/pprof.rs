//! pprof's format: `profile.proto` in gzip, which `go tool pprof`, Pyroscope, Parca and speedscope open.
//!
//! Written in full, it is also the format of kept profiles: reading it back gives an equal profile. Labels of the
//! samples hold what pprof has no field for.

mod conventions;
mod decode;
mod encode;
mod label;
mod labels;
mod messages;
mod options;
mod selection;
#[cfg(test)]
mod tests;
mod value;
mod wire;

pub use options::{PprofOptions, PprofSymbols};
