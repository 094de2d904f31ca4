//! The flight recorder: a file of records that outlives a kill.
//!
//! A kill does not discard what a process wrote to a file before, as long as the machine runs and the file is on a disk.
//! So each record is one `write` at a fixed place, without `fsync`. The whole file is allocated when it is made, so a
//! full disk does not stop it. A thread of its own writes it, so a disk that does not answer stops nothing else.
//!
//! The file has a header of 4 KiB and a ring of 504 records of 512 bytes:
//!
//! | Bytes | Content |
//! |---|---|
//! | 0-15 | the name and version of the format |
//! | 16-2047 | who wrote it: the instance, its limit, its control group ([`Header`]) |
//! | 2048-4071 | the largest types that were known last, and the names of types in records ([`KnownTypes`]) |
//! | 4072-4095 | when the process ended in order; zeros before that |
//! | 4096- | records: the numbers of a look, and the largest types that were known then |
//!
//! Each part but the first has its length and a CRC-32. A reader skips a part that does not fit its checksum. Records
//! of earlier versions are shorter: they have no types.

mod checked;
mod header;
mod reader;
mod record;
mod recording;
mod type_rows;
mod writer;

pub(crate) use header::{Header, KnownTypes};
pub(crate) use reader::FlightFile;
pub(crate) use recording::{Recording, allocate, new_file};
pub(crate) use writer::{Health, Writer, failed};

use std::ops::Range;

/// The format. Another layout gets another number.
const MAGIC: [u8; 16] = *b"memory-debug/fl1";

const IDENTITY: Range<usize> = 16..2048;
const KNOWN_TYPES: Range<usize> = 2048..4072;
const END: Range<usize> = 4072..4096;
const HEADER_BYTES: usize = 4096;
const RECORD_BYTES: usize = 512;
const RECORDS: usize = 504;

/// The length of a file, 256 KiB.
const FILE_BYTES: usize = HEADER_BYTES + RECORDS * RECORD_BYTES;

#[cfg(test)]
mod tests;
