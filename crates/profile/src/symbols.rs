//! Finds the functions of addresses, inlined functions included, in the symbols and debug information of files.

mod abbreviations;
mod budget;
mod copies;
mod debug_file;
mod dwarf;
mod elf;
mod files;
pub(crate) mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gap;
mod identity;
mod known_code;
mod program_names;
pub(crate) mod source_path;
mod split;
pub(crate) mod stand_in;
mod symbol_names;
mod symbolizer;
mod unit_index;
mod units;
mod unloaded;

pub use copies::UnstrippedCopies;
pub use files::{FileData, LoadObject};
pub use gap::SymbolGap;
pub use program_names::SymbolTier;
pub use symbol_names::SymbolNames;
pub use symbolizer::Symbolizer;
