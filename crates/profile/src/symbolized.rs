//! The heap profile with names instead of addresses: what stays meaningful after the process is gone.
//!
//! Everything that is kept, compared, merged or exported is this one value. Its numbers are estimates already, rounded
//! to whole objects and bytes, so that they add up; what a sampling error is follows from them and the sample rate.

mod build;
mod change;
mod finish;
mod intern;
mod merge;
mod peaks;
mod profile;
mod summarize;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use build::{Builder, Names};
pub use change::{Change, ChangeTable, significant_stderrs};
pub use peaks::Peaks;
pub(crate) use profile::{
    Line, Location, NamedFunction, NamedMapping, NamedSample, NamedStack, Owner, Place,
};
pub use profile::{ProfileKind, SymbolizedFrame, SymbolizedProfile, SymbolizedStack};
