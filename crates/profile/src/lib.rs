//! Heap profiles as values. The crate parses jemalloc's dump, corrects the sampling bias, adds function names, and
//! attributes the memory to the *types* that hold it.
//!
//! It knows no allocator, no HTTP and no clock, and does no input or output. The caller passes a dump and the bytes of
//! executables, and gets a table. [`memory-debug-core`] does this for the live process.
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
//! A dump becomes a [`HeapProfile`] of addresses. [`TypeAttributor`] turns it into a [`TypeTable`], or into a
//! [`SymbolizedProfile`] that needs neither the process nor its files. [`Symbolizer`] reads names from the files that
//! [`LoadObject`] opens.
//!
//! The files of a live process are at hand. To symbolize elsewhere or later, call [`HeapProfile::read_build_ids`] where
//! the files are. Then move the profile as JSON (or another serde format), and use [`UnstrippedCopies`] where the
//! symbols are.
//!
//! # Modules, from the ground up
//!
//! - `error`: why a profile or a file could not be read
//! - `number`: numbers as the kernel and jemalloc write them
//! - `path_bytes`: paths that need not be UTF-8
//! - `build_id`: the identity that a linker gives a file
//! - `size_class`: jemalloc's size classes
//! - `sample`: counts as jemalloc writes them, and the estimates they stand for
//! - `amount`: objects and bytes as whole numbers
//! - `large`: the true size of large objects
//! - `live`: live samples with their sizes, ages and labels
//! - `joined`: live samples, joined with the stacks of a dump
//! - `ages`: ages and slack of live memory
//! - `mapping`: the file that an address lies in
//! - `profile`: the heap profile with addresses
//! - `heap_v2`: the parser of jemalloc's dump
//! - `type_name`: type names as the compiler writes them, and as people read them
//! - `symbols`: from addresses to functions, by ELF and DWARF
//! - `attribution`: from the frames of a stack to the type that owns the allocation
//! - `selection`: which stacks count, what a row stands for, and the resulting table
//! - `symbolized`: the heap profile with names; merging and comparing such profiles
//! - `births`: when live memory was allocated, to keep and to compare
//! - `export`: other tools' formats
//! - `attributor`: the whole way from a profile of addresses to a table or a profile of names
//!
//! [`memory-debug-core`]: https://docs.rs/memory-debug-core

#![forbid(unsafe_code)]

mod ages;
mod amount;
mod attribution;
mod attributor;
mod births;
mod build_id;
mod error;
mod export;
mod heap_v2;
mod large;
mod joined;
mod live;
mod mapping;
mod number;
mod path_bytes;
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

pub use ages::{AgeBucket, Ages, Recording};
pub use amount::Amount;
pub use attributor::{StackTypes, TypeAttributor};
pub use births::{BirthChange, BirthRow, Births};
pub use build_id::BuildId;
pub use error::{Error, ErrorKind};
#[cfg(feature = "flamegraph")]
pub use export::FlamegraphOptions;
pub use export::{CollapsedOptions, CollapsedStacks, Count, Leaf, PprofOptions, PprofSymbols};
pub use large::{Estimator, LargeObjects};
pub use live::{LiveSample, LiveSamples, StackHash};
pub use mapping::Mapping;
pub use memory_debug_formats::{is_unprintable, printable};
pub use profile::{HeapProfile, Stack, Thread, ThreadSample};
pub use sample::{Estimate, Sample, SampleRate};
pub use selection::{Group, NoRowId, RowId, Selection, TracebackDepth, TypeEntry, TypeTable};
pub use symbolized::{
    Change, ChangeTable, Peaks, ProfileKind, SymbolizedFrame, SymbolizedProfile, SymbolizedStack,
    significant_stderrs,
};
pub use symbols::{FileData, LoadObject, SymbolGap, SymbolNames, SymbolTier, Symbolizer, UnstrippedCopies};
pub use type_name::{holds_pointers, readable_type_name, shorten_name};
