//! The live samples beside a raw dump: sizes, ages and routes, which jemalloc does not write.
//!
//! A raw dump is written when memory is short, so its samples are written straight from the table, through a buffer of fixed
//! size. The file is text:
//!
//! ```text
//! memory-debug/live/1
//! before
//! 411 64 64 9f3a5c7e9b1d3f51 83213 1
//! after 600000 0
//! 411 64 64 9f3a5c7e9b1d3f51 83220 1
//! 412 40 48 9f3a5c7e9b1d3f51 2 0
//! label (no route)
//! label GET /orders/{id}
//! end 91266 8d3f2c11
//! ```
//!
//! | Line | Content |
//! |---|---|
//! | `before`, `after` | the samples right before and right after the dump follow; `after` also has the milliseconds since recording began, and the number of samples that found no place |
//! | a sample | sequence, requested bytes, usable bytes, hash of its stack, age in milliseconds, label |
//! | `label` | the name of a label, from label 0 on |
//! | `end` | the length of the dump, and the CRC-32 of all lines before |
//!
//! The hash is of code addresses, which the dump has in full. No address of memory is in the file.

mod parser;
mod writer;

pub use parser::DumpSamples;
pub(crate) use writer::SamplesWriter;

/// The first line. Another layout gets another number.
const MAGIC: &str = "memory-debug/live/1";

/// The most bytes of a file: about 20,000 samples, which are 10 GiB of memory at the default rate. The folder of captures
/// has room for more than one such file even with the smallest cap.
const MAX_BYTES: u64 = 2 << 20;

/// How the name of the file ends, where the name of its dump ends with `.heap`.
pub(crate) const ENDING: &str = ".live";

#[cfg(test)]
mod tests;
