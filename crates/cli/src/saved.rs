//! Files that this command or an operator saved: reports as JSON, and snapshots in pprof format.

use std::path::Path;

use memory_debug_report::{MemoryReport, Snapshot};

use crate::failure::Failure;
use crate::input;

/// The longest file that a command reads.
pub(crate) const MAX_FILE_BYTES: u64 = 256 << 20;

/// The beginning of a compressed file, as pprof files are.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The content of a saved file.
pub(crate) enum Saved {
    Report(Box<MemoryReport>),
    Snapshot(Box<Snapshot>),
}

impl Saved {
    /// Reads a file. `-` stands for standard input.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is neither a report nor a snapshot. The message names the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(path, input::read(path, MAX_FILE_BYTES)?)
    }

    /// Reads the content of the file at `path`.
    ///
    /// # Errors
    ///
    /// If it is neither a report nor a snapshot. The message names the file.
    pub(crate) fn parse(path: &Path, content: Vec<u8>) -> Result<Self, Failure> {
        let failed = |what: &dyn std::fmt::Display| Failure::local(format!("{}: {what}", path.display()));
        if content.starts_with(&GZIP) {
            let snapshot = Snapshot::from_bytes(content).map(Box::new);
            return snapshot.map(Self::Snapshot).map_err(|error| {
                failed(&format_args!("{error}; `go tool pprof -diff_base` compares any two profiles"))
            });
        }
        let report = serde_json::from_slice(&content);
        report
            .map(Self::Report)
            .map_err(|error| failed(&format_args!("is not a report from `fetch -o`: {error}")))
    }
}

/// Whether `what` is the name of a file and not an address: the file exists, or the name ends in `.json` or `.gz`.
pub(crate) fn is_file_name(what: &str) -> bool {
    let path = Path::new(what);
    input::is_stdin(path) || path.exists() || has_known_ending(path) && !what.contains("://")
}

/// Whether a file with this name can be a report or a snapshot.
pub(crate) fn has_known_ending(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json" || extension == "gz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_not_file_names() {
        for (what, is_file) in [
            ("-", true),
            (".", true),
            ("missing.json", true),
            ("missing.pb.gz", true),
            ("shop:8080", false),
            ("https://shop.example/report.json", false),
        ] {
            assert_eq!(is_file_name(what), is_file, "{what}");
        }
    }
}
