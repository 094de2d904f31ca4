//! Source positions: the line program's rows and the paths of its files.

use std::sync::Arc;

use gimli::UnitRef;
use rustc_hash::FxHashMap;

use crate::symbolize::budget::{Budget, Damaged};
use crate::symbolize::elf::Reader;
use crate::symbolize::frames::FrameTable;
use crate::symbolize::source_path;

/// Runs the unit's line program until all of the (sorted) `addresses` are found; gives file index and line for those
/// that have a row, by position.
pub(super) fn line_rows(
    unit: UnitRef<'_, Reader<'_>>,
    addresses: &[u64],
    budget: &mut Budget,
) -> Result<FxHashMap<usize, (u64, u32)>, Damaged> {
    let mut found = FxHashMap::default();
    let Some(program) = unit.line_program.clone() else { return Ok(found) };
    budget.spend(program.header().raw_program_buf().len())?;
    let mut rows = program.rows();
    // The row before the current one in the same sequence, and the position of the first address not below it.
    let mut previous: Option<(u64, u64, u32)> = None;
    let mut next = 0;
    while found.len() < addresses.len()
        && let Some((_, row)) = rows.next_row()?
    {
        let address = row.address();
        match previous {
            None => next = addresses.partition_point(|wanted| *wanted < address),
            Some((_, file, line)) => {
                while addresses.get(next).is_some_and(|wanted| *wanted < address) {
                    found.insert(next, (file, line));
                    next += 1;
                }
            }
        }
        previous = (!row.end_sequence()).then(|| {
            let line = row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(0));
            (address, row.file_index(), line)
        });
    }
    Ok(found)
}

/// Paths of the files of one unit.
pub(super) struct Files<'u, 'a> {
    unit: UnitRef<'u, Reader<'a>>,
    by_index: FxHashMap<u64, Option<Arc<str>>>,
}

impl<'u, 'a> Files<'u, 'a> {
    pub(super) fn new(unit: UnitRef<'u, Reader<'a>>) -> Self {
        Self { unit, by_index: FxHashMap::default() }
    }

    pub(super) fn path(&mut self, index: u64, table: &mut FrameTable) -> Option<Arc<str>> {
        if let Some(path) = self.by_index.get(&index) {
            return path.clone();
        }
        let path = self.read_path(index).map(|path| table.string(source_path::trimmed(&path)));
        self.by_index.insert(index, path.clone());
        path
    }

    fn read_path(&self, index: u64) -> Option<String> {
        let header = self.unit.line_program.as_ref()?.header();
        // DWARF 5 counts files from 0, but 0 also stands for "unknown" in `call_file`; before, from 1.
        let file = header.file(index)?;
        let text = |value| self.unit.attr_string(value).ok().map(|text| text.to_string_lossy().into_owned());
        let name = text(file.path_name())?;
        if name.starts_with('/') {
            return Some(name);
        }
        // Directory 0, and what other directories are relative to, is where the compiler ran. cargo runs rustc at the
        // root of the service's workspace for the service's own crates, whose paths stay as they are, but in a
        // dependency's own folder for that; other compilers run anywhere.
        let root = self.unit.comp_dir.map(|root| root.to_string_lossy().into_owned());
        let root = root.filter(|root| !name.ends_with(".rs") || source_path::is_of_dependency(root));
        let directory = match file.directory_index() {
            0 => root,
            _ => match (file.directory(header).and_then(text), root) {
                (Some(directory), Some(root)) if !directory.starts_with('/') => {
                    Some(format!("{root}/{directory}"))
                }
                (directory, _) => directory,
            },
        };
        Some(directory.map_or_else(|| name.clone(), |directory| format!("{directory}/{name}")))
    }
}
