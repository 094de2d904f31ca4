//! A profile and its truth, saved in a folder by the profiled program.

use std::error::Error;
use std::fs;
use std::path::Path;

use memory_debug_profile::{
    Estimate, FileData, HeapProfile, LoadObject, Mapping, Selection, TypeAttributor, UnstrippedCopies,
};

use crate::comparison::{self, Comparison, RowAmount, Rows};
use crate::ledger;

const BEFORE: &str = "before.json";
const AFTER: &str = "after.json";
const TRUTH: &str = "truth";

/// Writes the profiles before and after the populations were built, and the ledger.
pub(crate) fn write(
    folder: impl AsRef<Path>,
    before: HeapProfile,
    after: HeapProfile,
) -> Result<(), Box<dyn Error>> {
    let folder = folder.as_ref();
    fs::create_dir_all(folder)?;
    for (name, mut profile) in [(BEFORE, before), (AFTER, after)] {
        profile.read_build_ids(&load);
        fs::write(folder.join(name), serde_json::to_vec(&profile)?)?;
    }
    fs::write(folder.join(TRUTH), ledger::to_text())?;
    Ok(())
}

/// Compares a record of [`write`], with the symbols of an unstripped copy or of the program itself.
pub(crate) fn judge(
    folder: impl AsRef<Path>,
    unstripped: Option<&str>,
) -> Result<Comparison, Box<dyn Error>> {
    let folder = folder.as_ref();
    ledger::read_text(&fs::read_to_string(folder.join(TRUTH))?)?;
    let copies = match unstripped {
        Some(path) => Some(UnstrippedCopies::new([Box::new(fs::read(path)?) as FileData])?),
        None => None,
    };
    let rows = |name: &str| -> Result<Rows, Box<dyn Error>> {
        let profile: HeapProfile = serde_json::from_slice(&fs::read(folder.join(name))?)?;
        Ok(match &copies {
            Some(copies) => table(&profile, copies),
            None => table(&profile, &load),
        })
    };
    Ok(comparison::compare(&rows(BEFORE)?, rows(AFTER)?))
}

fn load(mapping: &Mapping) -> std::io::Result<FileData> {
    fs::read(&mapping.path).map(|bytes| Box::new(bytes) as FileData)
}

fn table(profile: &HeapProfile, files: &dyn LoadObject) -> Rows {
    let mut sums = Rows::new();
    for entry in TypeAttributor::new().summarize(profile, files, &Selection::default()).entries {
        let Estimate { objects, bytes, bytes_variance, .. } = entry.estimate;
        let amount = RowAmount { objects, bytes: bytes.round() as u64, bytes_variance };
        *sums.entry((entry.type_name, entry.is_attributed)).or_default() += amount;
    }
    sums
}
