//! pprof's format, `profile.proto` in gzip: what `go tool pprof`, Pyroscope, Parca and speedscope open.
//!
//! Written with everything that the profile knows, it is also the format in which profiles are kept: reading it back
//! gives an equal profile. What pprof has no field for stands in labels of the samples.

mod conventions;
mod decode;
mod encode;
mod header;
mod label;
mod labels;
mod message;
mod options;
mod selection;
mod strings;
mod tag;
#[cfg(test)]
mod tests;
mod value;
mod wire;

pub use options::{PprofOptions, PprofSymbols};
