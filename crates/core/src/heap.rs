//! The heap profile of one collection, kept with its report so that each page can sum it in its own way.

use std::io::BufRead;
use std::sync::{Arc, Mutex, PoisonError};

use memory_debug_profile::{
    HeapProfile, LargeObjects, Mapping, Selection, SymbolGap, SymbolTier, SymbolizedProfile, TypeAttributor,
    TypeTable,
};

use crate::own_files::OwnFiles;

/// What is known of this program's code, shared by all its profiles.
pub(crate) type SharedAttributor = Arc<Mutex<TypeAttributor>>;

/// A heap profile of this process.
#[derive(Debug)]
pub(crate) struct Heap {
    profile: HeapProfile,
    attributor: SharedAttributor,
    /// Why it is not known which code lies where.
    without_mappings: Option<SymbolGap>,
}

impl Heap {
    /// Reads a dump of jemalloc (`heap_v2`) of about `dump_bytes`, which counts large objects as `large_objects` says.
    /// `mappings` are those of the process at the moment of the dump.
    ///
    /// # Errors
    ///
    /// The dump could not be read or understood.
    pub(crate) fn read(
        dump: impl BufRead,
        dump_bytes: u64,
        large_objects: Option<LargeObjects>,
        mappings: Result<Vec<Mapping>, SymbolGap>,
        attributor: SharedAttributor,
    ) -> Result<Self, String> {
        let without_mappings = mappings.as_ref().err().cloned();
        let profile = HeapProfile::parse_with_mappings(dump, dump_bytes, mappings.unwrap_or_default());
        let profile = profile.map_err(|error| error.to_string())?.with_large_objects(large_objects);
        Ok(Self { profile, attributor, without_mappings })
    }

    pub(crate) fn profile(&self) -> &HeapProfile {
        &self.profile
    }

    /// Sums the profile. Symbols come from the files that are mapped into this process. Also how good they are, and
    /// the files that gave fewer than they could.
    pub(crate) fn table(&self, selection: &Selection) -> (TypeTable, SymbolTier, Vec<SymbolGap>) {
        // A panic while it was held leaves it at worst without some names, which is a state like any other.
        let mut attributor = self.attributor.lock().unwrap_or_else(PoisonError::into_inner);
        let table = attributor.summarize(&self.profile, &OwnFiles::new(), selection);
        let gaps = self.without_mappings.clone().map_or_else(|| attributor.gaps(), |unknown| vec![unknown]);
        (table, attributor.tier(), gaps)
    }

    /// The profile with names, and with the build-ids of the files that its code is from.
    pub(crate) fn symbolized(&self) -> SymbolizedProfile {
        let mut attributor = self.attributor.lock().unwrap_or_else(PoisonError::into_inner);
        attributor.symbolize(&self.profile, &OwnFiles::new())
    }
}
