//! Reads flight files, also damaged ones.

use std::io::{self, Read as _};
use std::path::Path;

use memory_debug_core::open_regular_file;

use super::checked::open;
use super::{
    END, FILE_BYTES, HEADER_BYTES, Header, IDENTITY, KNOWN_TYPES, KnownTypes, MAGIC, RECORD_BYTES, RECORDS,
    record, type_rows::TypeRows,
};
use crate::reading::Reading;

/// What a flight file says.
#[derive(Clone, Debug)]
pub(crate) struct FlightFile {
    pub(crate) header: Header,
    /// The types that were known last.
    pub(crate) known: Option<KnownTypes>,
    /// When the process ended in order, in milliseconds since 1970.
    pub(crate) ended_ms: Option<u64>,
    /// The records, the oldest first.
    pub(crate) records: Vec<Reading>,
    /// The types of each record, in the same order.
    pub(crate) types: Vec<Option<KnownTypes>>,
    /// Records that were damaged.
    pub(crate) damaged: usize,
}

impl FlightFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or its header is damaged.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        open_regular_file(path)?.take(FILE_BYTES as u64).read_to_end(&mut bytes)?;
        Self::parse(&bytes).map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    /// Reads the content of a file, which may be cut off.
    ///
    /// # Errors
    ///
    /// If the header does not say whose it is.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let part = |range: std::ops::Range<usize>| bytes.get(range).unwrap_or_default();
        if part(0..MAGIC.len()) != MAGIC {
            return Err("it is not a flight record, or of another version");
        }
        let header = Header::read(part(IDENTITY)).ok_or("the header of the flight record is damaged")?;
        let ended_ms = open(part(END)).and_then(|end| Some(u64::from_le_bytes(end.try_into().ok()?)));
        let (mut records, mut damaged) = (Vec::new(), 0);
        for (slot, bytes) in (0..).zip(bytes.get(HEADER_BYTES..).unwrap_or_default().chunks(RECORD_BYTES)) {
            match record::read(bytes) {
                Some((sequence, reading, types))
                    if sequence % RECORDS as u64 == (slot + 1) % RECORDS as u64 =>
                {
                    records.push((sequence, reading, types));
                }
                None if bytes.iter().all(|byte| *byte == 0) => {}
                _ => damaged += 1,
            }
        }
        records.sort_by_key(|(sequence, ..)| *sequence);
        let known = KnownTypes::read(part(KNOWN_TYPES));
        let named = |types: TypeRows| types.named(known.as_ref()?);
        let (records, types) = records.into_iter().map(|(_, reading, types)| (reading, named(types))).unzip();
        Ok(Self { header, known, ended_ms, records, types, damaged })
    }

    /// Whether another process holds the file at `path` open for writing: it is alive, in whatever container.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_locked(path: &Path) -> bool {
        use rustix::fs::{FlockOperation, flock};
        let Ok(file) = open_regular_file(path) else { return false };
        // The lock ends with `file`.
        flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
    }

    /// Whether another process holds the file at `path` open for writing. Not known here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn is_locked(_path: &Path) -> bool {
        false
    }
}
