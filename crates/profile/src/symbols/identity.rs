//! Reads build-ids.

use object::NativeEndian;
use object::elf::{ELF_NOTE_GNU, FileHeader64, NT_GNU_BUILD_ID};
use object::read::elf::NoteIterator;

use super::elf::ElfFile;
use super::files::LoadObject;
use crate::build_id::BuildId;
use crate::error::Error;
use crate::mapping::Mapping;
use crate::profile::HeapProfile;

impl BuildId {
    /// Reads the build-id of an executable, shared object or debug file. It touches only the file's notes. `None` if
    /// the linker wrote no build-id (`-Wl,--build-id` makes one).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Object`](crate::ErrorKind::Object) if the bytes are not an ELF file.
    pub fn read(file: &[u8]) -> Result<Option<Self>, Error> {
        Ok(ElfFile::parse(file)?.build_id())
    }

    /// Reads the build-id of the supplementary file (`dwz`) that a file's debug information refers to. `None` without
    /// such a file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Object`](crate::ErrorKind::Object) if the bytes are not an ELF file.
    pub fn read_supplementary(file: &[u8]) -> Result<Option<Self>, Error> {
        Ok(ElfFile::parse(file)?.supplementary().map(|link| link.build_id))
    }

    /// Reads the build-id of a program or library in memory, from the bytes and alignment of one of its `PT_NOTE`
    /// segments. It equals the build-id of the file, even if the file has moved.
    pub fn from_notes(notes: &[u8], alignment: usize) -> Option<Self> {
        // As in `object`: the GABI allows 4 and 8, and linkers write 0 and 1 for 4.
        let alignment = if alignment == 8 { 8 } else { 4 };
        let mut notes =
            NoteIterator::<FileHeader64<NativeEndian>>::new(NativeEndian, alignment, notes).ok()?;
        while let Ok(Some(note)) = notes.next() {
            if note.name() == ELF_NOTE_GNU && note.n_type(NativeEndian) == NT_GNU_BUILD_ID {
                return Self::from_bytes(note.desc());
            }
        }
        None
    }
}

impl HeapProfile {
    /// Reads the build-ids of the files whose code is in the profile. With them it can be symbolized elsewhere, from
    /// [`UnstrippedCopies`](crate::UnstrippedCopies).
    ///
    /// A profile that is symbolized at once does not need them. Reading them opens every file.
    pub fn read_build_ids(&mut self, files: &dyn LoadObject) {
        read_build_ids(&mut self.mappings, files);
    }
}

/// Reads the missing build-ids.
pub(super) fn read_build_ids(mappings: &mut [Mapping], files: &dyn LoadObject) {
    for at in 0..mappings.len() {
        let (before, rest) = mappings.split_at_mut(at);
        let Some(mapping) = rest.first_mut().filter(|mapping| mapping.build_id.is_none()) else {
            continue;
        };
        if !mapping.has_file() {
            continue;
        }
        let is_same = |other: &&Mapping| {
            (&other.path, &other.device, other.inode) == (&mapping.path, &mapping.device, mapping.inode)
        };
        mapping.build_id = match before.iter().rev().find(is_same) {
            Some(same) => same.build_id.clone(),
            None => files.load(mapping).ok().and_then(|file| BuildId::read(&file).ok().flatten()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A note as the linker writes it.
    fn note(name: &[u8], kind: u32, value: &[u8], alignment: usize) -> Vec<u8> {
        let numbers = [u32::try_from(name.len()).unwrap(), u32::try_from(value.len()).unwrap(), kind];
        let mut note: Vec<u8> = numbers.into_iter().flat_map(u32::to_ne_bytes).collect();
        for part in [name, value] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(alignment), 0);
        }
        note
    }

    #[test]
    fn finds_build_id_among_notes() {
        let id = BuildId::from_bytes(&[0xab, 0xcd, 0xef]);
        for alignment in [4, 8] {
            let notes = [
                note(b"GNU\0", 5, &[1; 16], alignment),
                note(b"Go\0\0", 3, &[2; 8], alignment),
                note(b"GNU\0", 3, &[0xab, 0xcd, 0xef], alignment),
            ]
            .concat();
            assert_eq!(BuildId::from_notes(&notes, alignment), id);
            for cut in 0..notes.len() - 4 {
                let _ = BuildId::from_notes(&notes[..cut], alignment);
            }
        }
        assert_eq!(BuildId::from_notes(&note(b"GNU\0", 3, &[0xab, 0xcd, 0xef], 4), 1), id);
        assert_eq!(BuildId::from_notes(&note(b"GNU\0", 1, &[7; 16], 4), 4), None);
        assert_eq!(BuildId::from_notes(&[], 4), None);
    }
}
