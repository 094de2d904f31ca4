//! Which program the code of a profile is from.

use super::LoadObject;
use super::elf::ElfFile;
use crate::build_id::BuildId;
use crate::error::Error;
use crate::mapping::Mapping;
use crate::profile::HeapProfile;

impl BuildId {
    /// Reads the build-id of an executable, shared object or debug file from its notes; nothing else of it is touched.
    /// `None` if its linker gave it none (`-Wl,--build-id` makes it).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Object`](crate::ErrorKind::Object) if the bytes are no ELF file.
    pub fn read(file: &[u8]) -> Result<Option<Self>, Error> {
        Ok(ElfFile::parse(file)?.build_id())
    }
}

impl HeapProfile {
    /// Reads the build-ids of the files whose code is in the profile, so that it can be symbolised where these files
    /// are not: with [`UnstrippedCopies`](crate::UnstrippedCopies).
    ///
    /// A profile that is symbolised at once does not need them. It takes opening each file.
    pub fn read_build_ids(&mut self, files: &dyn LoadObject) {
        read_build_ids(&mut self.mappings, files);
    }
}

/// Reads the build-ids that are missing.
pub(super) fn read_build_ids(mappings: &mut [Mapping], files: &dyn LoadObject) {
    for at in 0..mappings.len() {
        let (before, rest) = mappings.split_at_mut(at);
        let Some(mapping) = rest.first_mut().filter(|mapping| mapping.build_id.is_none()) else {
            continue;
        };
        let is_same = |other: &&Mapping| {
            (&other.path, &other.device, other.inode) == (&mapping.path, &mapping.device, mapping.inode)
        };
        mapping.build_id = match before.iter().rev().find(is_same) {
            Some(same) => same.build_id.clone(),
            None => files.load(mapping).ok().and_then(|file| BuildId::read(&file).ok().flatten()),
        };
    }
}
