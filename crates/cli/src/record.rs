//! What is known about one or more moments of a service: reports, snapshots, and the change between them.

use std::fs;
use std::path::{Path, PathBuf};

use memory_debug_report::{MemoryReport, ReportDiff, Selection, Snapshot, SnapshotDiff, SnapshotInfo};
use memory_debug_web::Change;
use serde::Deserialize;

use crate::client::{Client, Request};
use crate::failure::Failure;
use crate::input;
use crate::login::Login;
use crate::saved::{MAX_FILE_BYTES, Saved, has_known_ending};
use crate::target::Target;

/// The number of rows that changed most to show.
const CHANGED_ROWS: usize = 200;
const CHANGED_ROWS_TEXT: &str = "200";

/// Reports and snapshots in the order of their times.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) reports: Vec<MemoryReport>,
    pub(crate) snapshots: Vec<SnapshotInfo>,
    change: Option<Changed>,
    /// What is missing, and why.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug)]
enum Changed {
    Reports(Box<ReportDiff>),
    Snapshots(Box<SnapshotDiff>),
}

impl Record {
    /// Asks an instance for its report, its snapshots, and the change from its first snapshot to its last.
    ///
    /// # Errors
    ///
    /// If there is no report. If only the rest is missing, the record has a note.
    pub(crate) fn of_instance(client: &Client, target: &Target, login: &Login) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Snapshots {
            snapshots: Vec<SnapshotInfo>,
        }
        #[derive(Deserialize)]
        struct Diff {
            diff: Box<SnapshotDiff>,
        }
        let report = client.report(target, login)?;
        require_schema(&report).map_err(|failure| failure.at(target))?;
        let mut record = Self { reports: vec![report], ..Self::default() };
        let request = Request::get("/snapshots", &[("format", "json")]);
        match client.json::<Snapshots>(target, login, request) {
            Ok(Snapshots { snapshots }) => record.snapshots = snapshots,
            Err(failure) => record.notes.push(format!("the snapshots are missing: {failure}")),
        }
        if record.snapshots.len() > 1 {
            let query =
                [("base", "first"), ("target", "last"), ("format", "json"), ("top", CHANGED_ROWS_TEXT)];
            match client.json::<Diff>(target, login, Request::get("/diff", &query)) {
                Ok(Diff { diff }) => record.change = Some(Changed::Snapshots(diff)),
                Err(failure) => record.notes.push(format!("the change is missing: {failure}")),
            }
        }
        Ok(record)
    }

    /// Reads one file.
    ///
    /// # Errors
    ///
    /// If it is neither a report nor a snapshot.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Failure> {
        let mut record = Self::default();
        match Saved::read(path)? {
            Saved::Report(report) => {
                require_schema(&report).map_err(|failure| failure.at(&path.display()))?;
                record.reports.push(*report);
            }
            Saved::Snapshot(snapshot) => record.snapshots.push(snapshot.info().clone()),
        }
        Ok(record)
    }

    /// Reads all reports and snapshots of a folder: its files with the ending `.json` or `.gz`.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, contains too much, or contains neither a report nor a snapshot. If only some files
    /// cannot be used, the record has notes.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self, Failure> {
        let failed = |what: &str| Failure::local(what).at(&folder.display());
        let paths = files(folder).map_err(|error| failed(&error.to_string()))?;
        let mut record = Self::default();
        let mut snapshots = Vec::new();
        let mut left = MAX_FILE_BYTES;
        for path in paths {
            let content = match input::read(&path, left) {
                Ok(content) => content,
                Err(failure) => {
                    record.notes.push(format!("left out {failure}"));
                    continue;
                }
            };
            left -= content.len() as u64;
            match Saved::parse(&path, content) {
                Ok(Saved::Report(report)) => match require_schema(&report) {
                    Ok(()) => record.reports.push(*report),
                    Err(failure) => record.notes.push(format!("left out {}", failure.at(&path.display()))),
                },
                Ok(Saved::Snapshot(snapshot)) => snapshots.push(*snapshot),
                Err(failure) => record.notes.push(format!("left out {failure}")),
            }
        }
        if record.reports.is_empty() && snapshots.is_empty() {
            let why = record.notes.first().map(|note| format!(" ({note})")).unwrap_or_default();
            return Err(failed(&format!(
                "contains neither a report nor a snapshot{why}; save reports there with `memory-debug fetch URL -o \
                 FILE.json`"
            )));
        }
        // RFC 3339 in UTC sorts by time.
        record.reports.sort_by(|one, other| one.collected_at.cmp(&other.collected_at));
        snapshots.sort_by(|one, other| one.info().taken_at.cmp(&other.info().taken_at));
        record.snapshots = snapshots.iter().map(|snapshot| snapshot.info().clone()).collect();
        record.compare(&snapshots);
        Ok(record)
    }

    /// Compares the first moment with the last. Snapshots make the better comparison, because they have the stacks.
    fn compare(&mut self, snapshots: &[Snapshot]) {
        let changed = match (snapshots, self.reports.as_slice()) {
            ([base, .., target], _) => SnapshotDiff::between(base, target, &Selection::default())
                .map(|diff| Changed::Snapshots(Box::new(diff.truncate_filtered(CHANGED_ROWS, None)))),
            (_, [base, .., target]) => ReportDiff::between(base, target)
                .map(|diff| Changed::Reports(Box::new(diff.truncate_filtered(CHANGED_ROWS, None)))),
            _ => return,
        };
        match changed {
            Ok(changed) => self.change = Some(changed),
            Err(error) => self.notes.push(format!("the change is missing: {error}")),
        }
    }

    /// The change from the first moment to the last.
    pub(crate) fn change(&self) -> Option<Change<'_>> {
        self.change.as_ref().map(|changed| match changed {
            Changed::Reports(diff) => Change::Reports(diff),
            Changed::Snapshots(diff) => Change::Snapshots(diff),
        })
    }
}

/// The files of a folder that can be reports or snapshots, by name.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if has_known_ending(&path) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn require_schema(report: &MemoryReport) -> Result<(), Failure> {
    report.require_schema().map_err(|error| Failure::local(format!("the report {error}")))
}
