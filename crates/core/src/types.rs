//! From a heap profile to the table of types.

use std::io::BufRead;
use std::sync::Arc;

use memory_debug_profile::{Group, LargeObjects, Mapping, Selection, SymbolGap, SymbolTier, TypeEntry};

use crate::heap::{Heap, SharedAttributor};
use crate::per_process::PerProcess;
use crate::report::{RowSource, TypeRow, TypeSummary};
use crate::root_summary::RootSummary;

/// Makes heap profiles, keeping between collections what does not change: the names of code seen so far.
#[derive(Debug, Default)]
pub(crate) struct TypeCollector {
    /// A thread that a child does not have may hold it.
    attributor: PerProcess<SharedAttributor>,
}

impl TypeCollector {
    /// Reads a dump of jemalloc (`heap_v2`) of `dump_bytes`, which counts large objects as `large_objects` says.
    /// `mappings` are those of the process at the moment of the dump.
    ///
    /// # Errors
    ///
    /// The dump could not be read or understood.
    pub(crate) fn read(
        &self,
        dump: impl BufRead,
        dump_bytes: u64,
        large_objects: Option<LargeObjects>,
        mappings: Result<Vec<Mapping>, SymbolGap>,
    ) -> Result<Heap, String> {
        let attributor = Arc::clone(self.attributor.get(|_| Arc::default()));
        Heap::read(dump, dump_bytes, large_objects, mappings, attributor)
    }
}

/// The sampled rows of the table.
pub(crate) fn summarize(heap: &Heap, selection: &Selection) -> TypeSummary {
    let (table, tier, symbol_gaps) = heap.table(selection);
    let mut notes: Vec<String> = symbol_gaps.iter().map(|gap| note(gap, tier)).collect();
    if matches!(selection.group, Group::Thread | Group::ThreadId) && is_without_thread_names(heap) {
        notes.push(NO_THREAD_NAMES.to_owned());
    }
    TypeSummary {
        group: selection.group.as_str().into(),
        symbols: Some(tier_name(tier).into()),
        sample_bytes: Some(heap.profile().sample_rate().bytes()),
        active_since: None,
        samples: None,
        rows: table.entries.iter().map(row).collect(),
        total_bytes: Some(whole(table.total.bytes)),
        total_bytes_stderr: Some(table.total.bytes_stderr()),
        total_objects: Some(whole(table.total.objects)),
        unattributed_bytes: Some(whole(table.unattributed.bytes)),
        omitted_rows: 0,
        stacks: u64::try_from(heap.profile().stacks().len()).ok(),
        notes,
        symbol_gaps,
        unavailable: None,
    }
}

fn is_without_thread_names(heap: &Heap) -> bool {
    heap.profile().threads().iter().all(|thread| thread.name.is_none())
}

const NO_THREAD_NAMES: &str = "jemalloc kept no names of threads, so each thread has jemalloc's number: `install!()` \
                               asks for names, or start the program with `prof_sys_thread_name:true` in \
                               `_RJEM_MALLOC_CONF` (`MALLOC_CONF` if jemalloc is built unprefixed)";

/// The table of a report summed in another way, with the exact rows where a row stands for a type.
pub(crate) fn summarize_again(first: &TypeSummary, heap: &Heap, selection: &Selection) -> TypeSummary {
    let mut summary = summarize(heap, selection);
    summary.active_since.clone_from(&first.active_since);
    summary.samples.clone_from(&first.samples);
    if matches!(selection.group, Group::Container | Group::Element) {
        summary.rows.extend(first.rows.iter().filter(|row| row.source == RowSource::Exact).cloned());
    } else {
        // A function, file or thread is known where the type is not, so the other sum has to be asked for it.
        let types = Selection::new(Group::Container, selection.focus.clone(), selection.ignore.clone());
        summary.unattributed_bytes = Some(whole(heap.table(&types).0.unattributed.bytes));
    }
    summary
}

/// The exact rows of the roots that were visited whole. They overlap with sampled rows, as tracked ones do.
pub(crate) fn root_rows(roots: &RootSummary) -> impl Iterator<Item = TypeRow> {
    roots.rows.iter().filter(|root| root.is_complete()).filter_map(|root| {
        Some(TypeRow {
            type_name: format!("{} (root {})", root.type_name, root.name),
            full_type: format!("{} (root {})", root.full_type, root.name),
            objects: 1,
            bytes: root.retained_bytes?,
            objects_stderr: 0.0,
            bytes_stderr: 0.0,
            source: RowSource::Exact,
            created: None,
            dropped: None,
            threads: None,
        })
    })
}

fn row(entry: &TypeEntry) -> TypeRow {
    TypeRow {
        type_name: entry.type_name.clone(),
        full_type: entry.full_type.clone(),
        objects: whole(entry.estimate.objects),
        bytes: whole(entry.estimate.bytes),
        objects_stderr: entry.estimate.objects_stderr(),
        bytes_stderr: entry.estimate.bytes_stderr(),
        source: if entry.is_attributed { RowSource::Sampled } else { RowSource::Unattributed },
        created: None,
        dropped: None,
        threads: Some(entry.threads).filter(|threads| *threads > 0),
    }
}

/// The nearest whole number. `as` saturates, and estimates are finite and not negative.
fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}

fn tier_name(tier: SymbolTier) -> &'static str {
    match tier {
        SymbolTier::Inlined => "inlined",
        SymbolTier::Lines => "lines",
        SymbolTier::Functions => "functions",
        _ => "none",
    }
}

/// The true reason first, then what comes of it, then what to do.
fn note(gap: &SymbolGap, tier: SymbolTier) -> String {
    let effect = match tier {
        _ if !gap.is_program => "",
        SymbolTier::Inlined => "",
        SymbolTier::None => ", so no type can be told",
        _ => ", so few types can be told",
    };
    format!("{}{effect}: {}", gap.reason, gap.advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "heap_v2/524288\n  t*: 9: 576 [0: 0]\n@ 0x1010 0x1020\n  t*: 9: 576 [0: 0]\n";

    /// Of a program whose file is not there.
    fn mappings() -> Result<Vec<Mapping>, SymbolGap> {
        let mut mappings = Mapping::read_all(&b"1000-2000 r-xp 0 fe:00 9 /nonexistent/app\n"[..]).unwrap();
        mappings[0].is_program = true;
        Ok(mappings)
    }

    #[test]
    fn code_without_symbols_is_unattributed_and_the_true_reason_is_there() {
        let heap = TypeCollector::default().read(DUMP.as_bytes(), 0, None, mappings()).unwrap();
        let summary = summarize(&heap, &Selection::default());
        assert_eq!(summary.symbols.as_deref(), Some("none"));
        assert_eq!(summary.unattributed_bytes, summary.total_bytes);
        assert_eq!(summary.rows[0].source, RowSource::Unattributed);
        assert_eq!(summary.rows[0].bytes, 9 * 524_320);
        let [note] = &summary.notes[..] else { panic!("{:?}", summary.notes) };
        assert!(note.starts_with("the binary could not be read: "), "{note}");
        assert!(note.contains(", so no type can be told: restart the service"), "{note}");
        assert!(!note.contains("stripped"), "it was not read: {note}");
    }

    #[test]
    fn without_mappings_the_reason_is_that_and_no_file() {
        let gap = SymbolGap::without_mappings("/proc is not mounted here", "mount it");
        let heap = TypeCollector::default().read(DUMP.as_bytes(), 0, None, Err(gap.clone())).unwrap();
        let summary = summarize(&heap, &Selection::default());
        assert_eq!(summary.symbol_gaps, [gap]);
        let expected = "it is unknown which code is where in the process, because /proc is not mounted here, so no type \
                        can be told: mount it";
        assert_eq!(summary.notes, [expected]);
        assert_eq!(summary.rows[0].type_name, "unknown code");
    }

    #[test]
    fn both_standard_errors_of_a_row_are_absolute() {
        let heap = TypeCollector::default().read(DUMP.as_bytes(), 0, None, mappings()).unwrap();
        let row = &summarize(&heap, &Selection::default()).rows[0];
        // 9 samples of 64 bytes stand for 8,192.5 objects each, so the error is the root of 9 * 8,192.5 * 8,191.5.
        assert_eq!((row.objects, row.objects_stderr.round()), (73_733, 24_576.0));
        assert!((row.bytes_stderr - 64.0 * row.objects_stderr).abs() < 0.01, "{row:?}");
    }

    #[test]
    fn bytes_without_a_type_are_told_also_where_rows_are_size_classes() {
        let heap = TypeCollector::default().read(DUMP.as_bytes(), 0, None, mappings()).unwrap();
        let first = summarize(&heap, &Selection::default());
        let classes = summarize_again(&first, &heap, &Group::SizeClass.into());
        assert_eq!(
            (classes.rows[0].type_name.as_str(), classes.rows[0].source),
            ("64 bytes", RowSource::Sampled)
        );
        assert_eq!(classes.unattributed_bytes, classes.total_bytes);
    }

    #[test]
    fn a_truncated_dump_is_an_error_with_its_line() {
        let cut = &DUMP[..DUMP.len() - 20];
        let error = TypeCollector::default().read(cut.as_bytes(), 0, None, mappings()).unwrap_err();
        assert!(error.starts_with("heap dump line 4: expected"), "{error}");
    }
}
