//! From a heap profile to the table of types.

use std::io::{self, BufRead};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use memory_debug_profile::{HeapProfile, Mapping, Selection, SymbolTier, TypeAttributor, TypeEntry};

use crate::mapped::MappedFile;
use crate::report::{RowSource, TypeRow, TypeSummary};

/// Makes the table, keeping between collections what does not change: the names of code seen so far.
#[derive(Debug, Default)]
pub(crate) struct TypeCollector {
    attributor: Mutex<TypeAttributor>,
}

impl TypeCollector {
    /// Turns a dump of jemalloc (`heap_v2`) into the sampled rows of the table. Symbols come from the files that are
    /// mapped into this process.
    ///
    /// # Errors
    ///
    /// The dump could not be read or understood.
    pub(crate) fn collect(&self, dump: impl BufRead) -> Result<TypeSummary, String> {
        let profile = HeapProfile::parse(dump).map_err(|error| error.to_string())?;
        // A panic while it was held leaves it at worst without some names, which is a state like any other.
        let mut attributor = self.attributor.lock().unwrap_or_else(PoisonError::into_inner);
        let executable = std::env::current_exe().unwrap_or_default();
        let table = attributor.summarize(
            &profile,
            &|mapping: &Mapping| load(mapping, &executable),
            &Selection::default(),
        );
        let tier = attributor.tier();
        let mut notes: Vec<String> = advice(tier).into_iter().map(str::to_owned).collect();
        if tier == SymbolTier::None {
            notes.extend_from_slice(attributor.notes());
        }
        Ok(TypeSummary {
            group: "container".into(),
            symbols: Some(tier_name(tier).into()),
            sample_bytes: Some(profile.sample_rate().bytes()),
            active_since: None,
            rows: table.entries.iter().map(row).collect(),
            total_bytes: Some(whole(table.total.bytes)),
            total_objects: Some(whole(table.total.objects)),
            unattributed_bytes: Some(whole(table.unattributed.bytes)),
            omitted_rows: 0,
            stacks: u64::try_from(profile.stacks().len()).ok(),
            notes,
            unavailable: None,
        })
    }
}

/// Opens the file of a mapping - the one that was mapped, not what has taken its name since.
fn load(mapping: &Mapping, executable: &Path) -> io::Result<Box<dyn Deref<Target = [u8]>>> {
    // The kernel keeps the running executable reachable, also after a deployment replaced or deleted it. It marks
    // the link to a deleted file as it marks mappings.
    let own = executable.to_str().map(|path| path.strip_suffix(" (deleted)").unwrap_or(path));
    let path = if own == Some(mapping.path.as_str()) {
        PathBuf::from("/proc/self/exe")
    } else if mapping.is_deleted {
        return Err(io::Error::new(io::ErrorKind::NotFound, "was replaced since it was loaded"));
    } else {
        PathBuf::from(&mapping.path)
    };
    Ok(Box::new(MappedFile::open(&path)?))
}

fn row(entry: &TypeEntry) -> TypeRow {
    TypeRow {
        type_name: entry.type_name.clone(),
        full_type: entry.full_type.clone(),
        objects: whole(entry.estimate.objects),
        bytes: whole(entry.estimate.bytes),
        objects_stderr: entry.estimate.objects_relative_stderr(),
        bytes_stderr: entry.estimate.bytes_stderr(),
        source: if entry.is_attributed { RowSource::Sampled } else { RowSource::Unattributed },
    }
}

/// The nearest whole number. `as` saturates, and estimates are finite and not negative.
fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}

fn tier_name(tier: SymbolTier) -> &'static str {
    match tier {
        SymbolTier::Inlined => "inlined",
        SymbolTier::Functions => "functions",
        _ => "none",
    }
}

/// What to change for better names.
fn advice(tier: SymbolTier) -> Option<&'static str> {
    match tier {
        SymbolTier::Inlined => None,
        SymbolTier::Functions => Some(
            "the binary has symbols but no line tables, so few types can be told: add `debug = \"line-tables-only\"` to \
             [profile.release] in Cargo.toml",
        ),
        _ => Some(
            "the binary is stripped, so no type can be told: add `debug = \"line-tables-only\"` and `strip = false` to \
             [profile.release] in Cargo.toml",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str =
        "heap_v2/524288\n  t*: 9: 576 [0: 0]\n@ 0x10 0x20\n  t*: 9: 576 [0: 0]\n\nMAPPED_LIBRARIES:\n";

    #[test]
    fn code_without_symbols_is_unattributed_and_the_advice_is_there() {
        let summary = TypeCollector::default().collect(DUMP.as_bytes()).unwrap();
        assert_eq!(summary.symbols.as_deref(), Some("none"));
        assert_eq!(summary.unattributed_bytes, summary.total_bytes);
        assert_eq!(summary.rows[0].source, RowSource::Unattributed);
        assert_eq!(summary.rows[0].bytes, 9 * 524_320);
        assert!(summary.notes[0].contains("debug = \"line-tables-only\""), "{:?}", summary.notes);
    }

    #[test]
    fn a_truncated_dump_is_an_error_with_its_line() {
        let cut = &DUMP[..DUMP.len() - 20];
        let error = TypeCollector::default().collect(cut.as_bytes()).unwrap_err();
        assert!(error.starts_with("heap dump line 4: expected"), "{error}");
    }

    #[test]
    fn a_library_that_was_replaced_is_not_read() {
        let maps = "1000-2000 r-xp 00000000 00:00 9 /proc/self/exe (deleted)";
        let dump = DUMP.replace("MAPPED_LIBRARIES:\n", &format!("MAPPED_LIBRARIES:\n{maps}\n"));
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let error = load(&profile.mappings()[0], Path::new("/srv/app")).err().unwrap();
        assert_eq!(error.to_string(), "was replaced since it was loaded");
    }

    #[test]
    fn the_executable_is_read_through_the_kernel_even_when_deleted() {
        let maps = "1000-2000 r-xp 00000000 00:00 9 /srv/app (deleted)";
        let dump = DUMP.replace("MAPPED_LIBRARIES:\n", &format!("MAPPED_LIBRARIES:\n{maps}\n"));
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let own = load(&profile.mappings()[0], Path::new("/srv/app (deleted)")).unwrap();
        assert!(own.starts_with(b"\x7fELF"));
    }
}
