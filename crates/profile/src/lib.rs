//! Heap profiles as values: jemalloc's dump parsed, un-biased, symbolised, and attributed to the *types* that hold
//! the memory.
//!
//! The crate knows no allocator, no HTTP and no clock, and does no input or output: it is given a dump and the bytes
//! of executables, and gives a table. [`memory-debug-core`] uses it on the live process.
//!
//! ```
//! use memory_debug_profile::{HeapProfile, Mapping, Selection, TypeAttributor};
//!
//! let dump = "heap_v2/524288\n  t*: 1: 64 [0: 0]\n@ 0x1010\n  t*: 1: 64 [0: 0]\n\nMAPPED_LIBRARIES:\n";
//! let profile = HeapProfile::parse(dump.as_bytes())?;
//! let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
//! let table = TypeAttributor::new().summarize(&profile, &no_files, &Selection::default());
//! // One sample of 64 bytes stands for 512 KiB of its kind.
//! assert_eq!(table.total.bytes.round(), 524_320.0);
//! # Ok::<(), memory_debug_profile::Error>(())
//! ```
//!
//! The way of the data, and the module for each step:
//!
//! | Step | Value | Module |
//! |---|---|---|
//! | parse | dump → [`HeapProfile`]: [`Stack`]s, [`Mapping`]s, [`Thread`]s | `heap_v2`, `mapping`, `profile` |
//! | un-bias | [`Sample`] → [`Estimate`] at a [`SampleRate`], per stack | `sample` |
//! | symbolise | address → frames with generic arguments, by [`Symbolizer`] from files that [`LoadObject`] opens | `symbolize`, `build_id` |
//! | attribute | frames → type → [`TypeTable`], by [`TypeAttributor`] | `attribution`, `type_name` |
//!
//! A live process is symbolised from its own files. Elsewhere, or later: [`HeapProfile::read_build_ids`] where the files
//! are, then the profile as JSON or any other format of serde, then [`UnstrippedCopies`] where symbols are.
//!
//! [`memory-debug-core`]: https://docs.rs/memory-debug-core

#![forbid(unsafe_code)]

mod amount;
mod attribution;
mod attributor;
mod build_id;
mod error;
mod export;
mod heap_v2;
mod large;
mod mapping;
mod number;
mod path_bytes;
mod printable;
mod profile;
mod sample;
mod selection;
mod size_class;
mod symbolized;
mod symbols;
mod type_name;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::attributor::fuzzing::*;
    pub use crate::export::fuzzing::*;
    pub use crate::symbols::fuzzing::*;
}

pub use amount::Amount;
pub use attributor::TypeAttributor;
pub use build_id::BuildId;
pub use error::{Error, ErrorKind};
#[cfg(feature = "flamegraph")]
pub use export::FlamegraphOptions;
pub use export::{CollapsedOptions, CollapsedStacks, Count, Leaf, PprofOptions, PprofSymbols};
pub use large::{Estimator, LargeObjects};
pub use mapping::Mapping;
pub use printable::{is_unprintable, printable};
pub use profile::{HeapProfile, Stack, Thread, ThreadSample};
pub use sample::{Estimate, Sample, SampleRate};
pub use selection::{Group, Selection, TracebackDepth, TypeEntry, TypeTable};
pub use symbolized::{
    Change, ChangeTable, Peaks, ProfileKind, SymbolizedFrame, SymbolizedProfile, SymbolizedStack,
    significant_stderrs,
};
pub use symbols::{FileData, LoadObject, SymbolGap, SymbolTier, Symbolizer, UnstrippedCopies};
pub use type_name::{readable_type_name, shorten_name};
