//! A flight file that this process writes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use memory_debug_core::__private::without_signal;

use super::checked::{PREFIX, seal};
use super::{
    END, FILE_BYTES, HEADER_BYTES, Header, IDENTITY, KNOWN_TYPES, KnownTypes, MAGIC, RECORD_BYTES, RECORDS,
    record, type_rows::TypeRows,
};
use crate::reading::Reading;

/// The most names that are kept of types that are not among the largest any more.
const MAX_EARLIER: usize = 32;

/// The open flight file of this process. It is locked, so that other processes know that its process is alive.
#[derive(Debug)]
pub(crate) struct Recording {
    file: File,
    /// Records written so far.
    sequence: u64,
    /// The types that each record repeats, and the names that the header has for records.
    types: TypeRows,
    known: KnownTypes,
    /// The record that is written next. Reused, so that a record takes no memory.
    record: [u8; RECORD_BYTES],
}

impl Recording {
    /// Makes a file at `path` and allocates all of it. It has that name only once it is complete.
    ///
    /// # Errors
    ///
    /// If the file cannot be made, or there is no room for it.
    pub(crate) fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let mut first = [0; HEADER_BYTES];
        first[..MAGIC.len()].copy_from_slice(&MAGIC);
        if !header.write(&mut first[IDENTITY]) {
            return Err(io::Error::other(
                "the description of this process does not fit into a flight record",
            ));
        }
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".tmp");
        let unfinished = PathBuf::from(unfinished);
        let _ = fs::remove_file(&unfinished);
        let file = new_file(&unfinished)?;
        let made = allocate(&file, FILE_BYTES as u64)
            .and_then(|()| write_at(&file, &first, 0))
            .and_then(|()| lock(&file))
            .and_then(|()| fs::rename(&unfinished, path));
        if let Err(error) = made {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        Ok(Self {
            file,
            sequence: 0,
            types: TypeRows::default(),
            known: KnownTypes::default(),
            record: [0; RECORD_BYTES],
        })
    }

    /// Writes one record over the oldest. Allocates nothing.
    ///
    /// # Errors
    ///
    /// Errors of the disk, and if the file was removed.
    pub(crate) fn write(&mut self, reading: &Reading) -> io::Result<()> {
        if is_removed(&self.file)? {
            return Err(io::Error::new(io::ErrorKind::NotFound, "its file was removed"));
        }
        let slot = self.sequence % RECORDS as u64;
        self.sequence += 1;
        record::write(self.sequence, reading, self.types, &mut self.record);
        write_at(&self.file, &self.record, HEADER_BYTES as u64 + slot * RECORD_BYTES as u64)
    }

    /// Writes the types that are known now. Further records have them too.
    ///
    /// # Errors
    ///
    /// Errors of the disk.
    pub(crate) fn know(&mut self, mut types: KnownTypes) -> io::Result<()> {
        types.earlier =
            self.known.names().filter(|name| !types.has(name)).take(MAX_EARLIER).cloned().collect();
        self.types = TypeRows::new(&types);
        self.known = types;
        let mut space = [0; KNOWN_TYPES.end - KNOWN_TYPES.start];
        self.known.write(&mut space);
        write_at(&self.file, &space, KNOWN_TYPES.start as u64)
    }

    /// Marks that the process ended in order, at this time since 1970.
    ///
    /// # Errors
    ///
    /// Errors of the disk.
    pub(crate) fn end(self, unix_ms: u64) -> io::Result<()> {
        let mut space = [0; END.end - END.start];
        space[PREFIX..PREFIX + 8].copy_from_slice(&unix_ms.to_le_bytes());
        seal(&mut space, 8);
        write_at(&self.file, &space, END.start as u64)
    }
}

/// Whether a file has no name any more. Writes to it would succeed, and be lost with the process.
#[cfg(unix)]
fn is_removed(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0)
}

#[cfg(not(unix))]
fn is_removed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// A new file that only its owner can read.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Reserves the blocks of a file, so that later writes need no room on the disk.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    without_signal(|| {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            match fallocate(file, FallocateFlags::empty(), 0, bytes) {
                Err(rustix::io::Errno::OPNOTSUPP) => {}
                allocated => return allocated.map_err(io::Error::from),
            }
        }
        let zeros = [0; 4096];
        (0..bytes.div_ceil(4096)).try_for_each(|page| write_at(file, &zeros, page * 4096))
    })
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

#[cfg(target_os = "linux")]
fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        // Some network file systems have no locks. The process id tells the same then, on one host.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOLCK) => Ok(()),
        locked => locked.map_err(io::Error::from),
    }
}

#[cfg(not(target_os = "linux"))]
fn lock(_file: &File) -> io::Result<()> {
    Ok(())
}
