//! The heap profile of one collection, kept with its report so that each page can sum it in its own way.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memory_debug_profile::{
    FileData, HeapProfile, LargeObjects, LoadObject, Mapping, Selection, SymbolTier, SymbolizedProfile,
    TypeAttributor, TypeTable,
};

use crate::mapped::MappedFile;

/// What is known of this program's code, shared by all its profiles.
pub(crate) type SharedAttributor = Arc<Mutex<TypeAttributor>>;

/// A heap profile of this process.
#[derive(Debug)]
pub(crate) struct Heap {
    profile: HeapProfile,
    attributor: SharedAttributor,
}

impl Heap {
    /// Reads a dump of jemalloc (`heap_v2`) of about so many bytes, which counts large objects as `large_objects` says.
    ///
    /// # Errors
    ///
    /// The dump could not be read or understood.
    pub(crate) fn read(
        dump: impl BufRead,
        dump_bytes: u64,
        large_objects: Option<LargeObjects>,
        attributor: SharedAttributor,
    ) -> Result<Self, String> {
        let profile = HeapProfile::parse_sized(dump, dump_bytes).map_err(|error| error.to_string())?;
        Ok(Self { profile: profile.with_large_objects(large_objects), attributor })
    }

    pub(crate) fn profile(&self) -> &HeapProfile {
        &self.profile
    }

    /// Sums the profile. Symbols come from the files that are mapped into this process. Also how good they are, and
    /// the files that gave none.
    pub(crate) fn table(&self, selection: &Selection) -> (TypeTable, SymbolTier, Vec<String>) {
        // A panic while it was held leaves it at worst without some names, which is a state like any other.
        let mut attributor = self.attributor.lock().unwrap_or_else(PoisonError::into_inner);
        let table = attributor.summarize(&self.profile, &OwnFiles::new(), selection);
        (table, attributor.tier(), attributor.notes().to_vec())
    }

    /// The profile with names, and with the build-ids of the files that its code is from.
    pub(crate) fn symbolized(&self) -> SymbolizedProfile {
        let mut attributor = self.attributor.lock().unwrap_or_else(PoisonError::into_inner);
        attributor.symbolize(&self.profile, &OwnFiles::new())
    }
}

/// The files of this process.
struct OwnFiles {
    executable: PathBuf,
}

impl OwnFiles {
    fn new() -> Self {
        Self { executable: std::env::current_exe().unwrap_or_default() }
    }
}

impl LoadObject for OwnFiles {
    /// Opens the file of a mapping - the one that was mapped, not what has taken its name since.
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        // The kernel keeps the running executable reachable, also after a deployment replaced or deleted it. It marks
        // the link to a deleted file as it marks mappings.
        let own = self.executable.to_str().map(|path| path.strip_suffix(" (deleted)").unwrap_or(path));
        let path = if own == Some(mapping.path.as_str()) {
            Path::new("/proc/self/exe")
        } else if mapping.is_deleted {
            return Err(io::Error::new(io::ErrorKind::NotFound, "was replaced since it was loaded"));
        } else {
            Path::new(&mapping.path)
        };
        Ok(Box::new(MappedFile::open(path)?))
    }

    fn load_debug_file(&self, path: &str) -> io::Result<FileData> {
        Ok(Box::new(MappedFile::open(Path::new(path))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "heap_v2/524288\n  t*: 0: 0 [0: 0]\n\nMAPPED_LIBRARIES:\n";

    #[test]
    fn a_library_that_was_replaced_is_not_read() {
        let maps = "1000-2000 r-xp 00000000 00:00 9 /proc/self/exe (deleted)";
        let dump = DUMP.replace("MAPPED_LIBRARIES:\n", &format!("MAPPED_LIBRARIES:\n{maps}\n"));
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let error = OwnFiles { executable: "/srv/app".into() }.load(&profile.mappings()[0]).err().unwrap();
        assert_eq!(error.to_string(), "was replaced since it was loaded");
    }

    #[test]
    fn the_executable_is_read_through_the_kernel_even_when_deleted() {
        let maps = "1000-2000 r-xp 00000000 00:00 9 /srv/app (deleted)";
        let dump = DUMP.replace("MAPPED_LIBRARIES:\n", &format!("MAPPED_LIBRARIES:\n{maps}\n"));
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let own = OwnFiles { executable: "/srv/app (deleted)".into() }.load(&profile.mappings()[0]).unwrap();
        assert!(own.starts_with(b"\x7fELF"));
    }
}
