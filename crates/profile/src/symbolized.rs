//! The heap profile with names instead of addresses. It stays meaningful after the process has ended.
//!
//! Profiles are kept, compared, merged and exported as this one value. Its numbers are estimates, rounded to whole
//! objects and bytes so that they add up. Sampling errors follow from the numbers and the sample rate.

mod build;
mod change;
mod finish;
mod intern;
mod merge;
mod peaks;
mod profile;
mod row;
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
