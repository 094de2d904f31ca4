//! The heap profile of one collection, which is kept with the report so that each page can group it in its own way.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memory_debug_profile::{
    Births, Group, HeapProfile, LargeObjects, LiveSamples, Mapping, RowId, Selection, StackTypes, SymbolGap,
    SymbolTier, SymbolizedProfile, TypeAttributor, TypeTable,
};
use memory_debug_report::__private::summarize;
use memory_debug_report::TypeSummary;

use crate::own_files::OwnFiles;
use crate::per_process::PerProcess;

/// What all profiles of one collector share.
#[derive(Debug, Default)]
struct Shared {
    /// The symbols of this program's code.
    attributor: TypeAttributor,
    /// The moments of the last snapshots, in milliseconds since recording began. Later snapshots sum births up to these
    /// moments, so that survivors are exact.
    snapshots_ms: VecDeque<u64>,
}

/// Most moments of snapshots that are remembered.
const MOST_MOMENTS: usize = 64;

type SharedAttributor = Arc<Mutex<Shared>>;

/// A heap profile of this process.
#[derive(Debug)]
pub(crate) struct Heap {
    profile: HeapProfile,
    attributor: SharedAttributor,
    /// Why the mappings of the process could not be read.
    without_mappings: Option<SymbolGap>,
}

impl Heap {
    /// Reads a jemalloc dump (`heap_v2`) of about `dump_bytes`. `large_objects` says how the dump counts large
    /// objects, `mappings` are the mappings of the process at the moment of the dump, and `live` are the live samples
    /// before and after it.
    ///
    /// # Errors
    ///
    /// If the dump could not be read or parsed.
    fn read(
        dump: impl BufRead,
        dump_bytes: u64,
        large_objects: Option<LargeObjects>,
        mappings: Result<Vec<Mapping>, SymbolGap>,
        live: Option<(LiveSamples, LiveSamples)>,
        attributor: SharedAttributor,
    ) -> Result<Self, String> {
        let without_mappings = mappings.as_ref().err().cloned();
        let profile = HeapProfile::parse_with_mappings(dump, dump_bytes, mappings.unwrap_or_default());
        let profile = profile.map_err(|error| error.to_string())?.with_large_objects(large_objects);
        let profile = match live {
            Some((before, after)) => profile.with_live_samples(&before, after),
            None => profile,
        };
        Ok(Self { profile, attributor, without_mappings })
    }

    pub(crate) fn profile(&self) -> &HeapProfile {
        &self.profile
    }

    /// Groups the profile by `selection`, with symbols from the files that are mapped into this process. Also
    /// returns how good the symbols are, and which files gave fewer symbols than they could.
    fn table(&self, selection: &Selection) -> (TypeTable, SymbolTier, Vec<SymbolGap>) {
        let attributor = &mut self.shared().attributor;
        let table = attributor.summarize(&self.profile, &OwnFiles::new(), selection);
        let gaps = self.without_mappings.clone().map_or_else(|| attributor.gaps(), |unknown| vec![unknown]);
        (table, attributor.tier(), gaps)
    }

    /// The sampled rows of the table.
    pub(crate) fn summarize(&self, selection: &Selection) -> TypeSummary {
        let (table, tier, symbol_gaps) = self.table(selection);
        summarize(&self.profile, selection, &table, tier, symbol_gaps)
    }

    /// Groups the memory of one row of the table.
    pub(crate) fn table_of_row(&self, row: RowId, group: Group) -> TypeTable {
        let attributor = &mut self.shared().attributor;
        attributor.summarize_row(&self.profile, &OwnFiles::new(), &group.into(), row)
    }

    /// Finds the type of each stack.
    pub(crate) fn stack_types(&self) -> StackTypes {
        self.shared().attributor.stack_types(&self.profile, &OwnFiles::new())
    }

    /// Makes the profile with symbols, and with the build-ids of the files that its code is from.
    pub(crate) fn symbolized(&self) -> SymbolizedProfile {
        self.shared().attributor.symbolize(&self.profile, &OwnFiles::new())
    }

    /// Sums the profile by type, by route, and by the time of allocation. `None` without live samples. If the sums are
    /// kept with a snapshot, later sums count what was born before this moment exactly.
    pub(crate) fn births(&self, is_kept: bool) -> Option<Births> {
        let Shared { attributor, snapshots_ms } = &mut *self.shared();
        let births = attributor.births(&self.profile, &OwnFiles::new(), snapshots_ms.make_contiguous())?;
        if is_kept && snapshots_ms.back().is_none_or(|last| *last < births.recorded_ms) {
            snapshots_ms.push_back(births.recorded_ms);
            if snapshots_ms.len() > MOST_MOMENTS {
                snapshots_ms.pop_front();
            }
        }
        Some(births)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // After a panic under the lock, the attributor lacks some names at worst. That is a valid state.
        self.attributor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes heap profiles. Keeps the symbols of code seen so far from one collection to the next.
#[derive(Debug, Default)]
pub(crate) struct TypeCollector {
    /// At a fork, another thread may hold the lock. In the child, that thread does not exist.
    attributor: PerProcess<SharedAttributor>,
}

impl TypeCollector {
    /// Reads a jemalloc dump (`heap_v2`) of `dump_bytes`. `large_objects` says how the dump counts large
    /// objects, `mappings` are the mappings of the process at the moment of the dump, and `live` are the live samples
    /// before and after it.
    ///
    /// # Errors
    ///
    /// If the dump could not be read or parsed.
    pub(crate) fn read(
        &self,
        dump: impl BufRead,
        dump_bytes: u64,
        large_objects: Option<LargeObjects>,
        mappings: Result<Vec<Mapping>, SymbolGap>,
        live: Option<(LiveSamples, LiveSamples)>,
    ) -> Result<Heap, String> {
        let attributor = Arc::clone(self.attributor.get(|_| Arc::default()));
        Heap::read(dump, dump_bytes, large_objects, mappings, live, attributor)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use memory_debug_report::RowSource;

    use super::*;

    const DUMP: &str = "heap_v2/524288\n  t*: 9: 576 [0: 0]\n@ 0x1010 0x1020\n  t*: 9: 576 [0: 0]\n";

    /// The mappings of a program whose file does not exist.
    fn mappings() -> Result<Vec<Mapping>, SymbolGap> {
        let mut mappings = Mapping::read_all(&b"1000-2000 r-xp 0 fe:00 9 /nonexistent/app\n"[..]).unwrap();
        mappings[0].is_program = true;
        Ok(mappings)
    }

    /// The heap of [`DUMP`].
    pub(crate) fn heap() -> Heap {
        TypeCollector::default().read(DUMP.as_bytes(), 0, None, mappings(), None).unwrap()
    }

    #[test]
    fn code_without_symbols_is_unattributed_with_the_true_reason() {
        let heap = heap();
        let summary = heap.summarize(&Selection::default());
        assert_eq!(summary.symbols.as_deref(), Some("none"));
        assert_eq!(summary.unattributed_bytes, summary.total_bytes);
        assert_eq!(summary.rows[0].source, RowSource::Unattributed);
        assert_eq!(summary.rows[0].bytes, 9 * 524_320);
        let [note] = &summary.notes[..] else { panic!("{:?}", summary.notes) };
        assert!(note.starts_with("the binary could not be read: "), "{note}");
        assert!(note.contains(", so no type can be determined: restart the service"), "{note}");
        assert!(!note.contains("stripped"), "it was not read: {note}");
    }

    #[test]
    fn without_mappings_the_reason_names_no_file() {
        let gap = SymbolGap::without_mappings("/proc is not mounted here", "mount it");
        let heap = TypeCollector::default().read(DUMP.as_bytes(), 0, None, Err(gap.clone()), None).unwrap();
        let summary = heap.summarize(&Selection::default());
        assert_eq!(summary.symbol_gaps, [gap]);
        let expected = "it is unknown which files the code comes from, because /proc is not mounted here, so no type \
                        can be determined: mount it";
        assert_eq!(summary.notes, [expected]);
        assert_eq!(summary.rows[0].type_name, "unknown code");
    }

    #[test]
    fn both_standard_errors_of_a_row_are_absolute() {
        let heap = heap();
        let row = &heap.summarize(&Selection::default()).rows[0];
        // Each of the 9 samples of 64 bytes stands for 8,192.5 objects, and they count as 10, so the error is the root
        // of 10 * 8,192.5 * 8,191.5.
        assert_eq!((row.objects, row.objects_stderr.round()), (73_733, 25_905.0));
        assert!((row.bytes_stderr - 64.0 * row.objects_stderr).abs() < 0.01, "{row:?}");
    }

    #[test]
    fn a_truncated_dump_is_an_error_that_names_the_line() {
        let cut = &DUMP[..DUMP.len() - 20];
        let error = TypeCollector::default().read(cut.as_bytes(), 0, None, mappings(), None).unwrap_err();
        assert!(error.starts_with("heap dump line 4: expected"), "{error}");
    }
}
