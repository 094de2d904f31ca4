//! `memory-debug monitor`.

mod captured;
mod program;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memory_debug_monitor::read_captures;
use memory_debug_report::render::content;
use memory_debug_report::units::{Bytes, short_name};
use memory_debug_report::{CaptureKind, FlightRecord, ProcessEnd};

use self::captured::{Captured, Folder, Profile};
use self::program::Programs;
use crate::failure::Failure;
use crate::output;

/// The number of records that the text shows.
const RECORDS: usize = 5;

/// The number of types that the text shows of a record.
const TYPES_OF_RECORD: usize = 3;

/// Show what killed processes left in a folder of captures: how full memory was, and which types held it
#[derive(Debug, clap::Args)]
pub(crate) struct Monitor {
    /// Folder that the service's monitor writes to, or a copy of it
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Program that was running, and its debug file if it is stripped; raw dumps get their types from it. Files are
    /// matched by build-id. Without this, the program is looked for at the path that it had
    #[arg(long, value_name = "BIN", num_args = 1..)]
    binary: Vec<PathBuf>,
    /// Number of types to print for each capture
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Monitor {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let (processes, skipped) =
            read_captures(&self.folder).map_err(|error| Failure::local(error.to_string()))?;
        let programs = Programs::read(&self.binary)?;
        let top = self.top.into();
        let read = |process| Captured::read(&self.folder, process, &programs, top);
        let folder = Folder {
            folder: self.folder.display().to_string(),
            processes: processes.into_iter().map(read).collect(),
            skipped,
        };
        if self.json {
            output::print_json(&folder)?
        } else {
            output::print_text(&text(&folder))?
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The folder for people.
fn text(folder: &Folder) -> String {
    let mut text = String::new();
    let mut line = |depth: usize, content: String| {
        text.push_str(&" ".repeat(2 * depth));
        text.push_str(&content);
        text.push('\n');
    };
    if folder.processes.is_empty() {
        line(0, format!("no process has left a flight record in {}", folder.folder));
    }
    for captured in &folder.processes {
        let process = &captured.process;
        line(0, process.summary.clone());
        if let Some(source) = &process.limit_source {
            line(1, format!("limit: {source}"));
        }
        if process.end == ProcessEnd::Abrupt {
            let latest = process.records.len().saturating_sub(RECORDS);
            for record in &process.records[latest..] {
                let number = |bytes: Option<u64>| {
                    bytes.map_or_else(|| "not available".to_owned(), |bytes| Bytes(bytes).to_string())
                };
                line(
                    1,
                    format!(
                        "{}  container {} of {}, resident {}, allocated {}",
                        record.at,
                        number(record.container_bytes),
                        number(record.limit_bytes),
                        number(record.resident_bytes),
                        number(record.allocated_bytes)
                    ),
                );
            }
            let mut measured: Vec<_> = process.records.iter().filter_map(types_of).collect();
            // The last record repeats the types of an earlier one.
            measured.dedup();
            measured.drain(..measured.len().saturating_sub(RECORDS)).for_each(drop);
            measured.into_iter().for_each(|types| line(1, types));
        }
        for (file, profile) in process.files.iter().zip(&captured.profiles) {
            let share = file.percent_of_limit.map(|percent| format!(" at {percent:.1} % of the limit"));
            let kind = match file.kind {
                CaptureKind::Baseline => "baseline",
                CaptureKind::RawDump => "raw dump",
                _ => "snapshot",
            };
            line(1, format!("{kind} of {}{}: {}", file.taken_at, share.unwrap_or_default(), file.file));
            types(profile, &mut |content| line(2, content));
        }
    }
    for skipped in &folder.skipped {
        line(0, format!("skipped: {skipped}"));
    }
    text
}

/// The largest types that a record has, and when they were measured.
fn types_of(record: &FlightRecord) -> Option<String> {
    let at = record.types_at.as_ref()?;
    let largest = record.types.iter().take(TYPES_OF_RECORD);
    let largest: Vec<_> =
        largest.map(|(name, bytes)| format!("{} {}", short_name(name), Bytes(*bytes))).collect();
    Some(format!("{at}  types: {}", largest.join(", ")))
}

fn types(profile: &Profile, line: &mut impl FnMut(String)) {
    if let Some(reason) = &profile.unavailable {
        line(format!("types are not available: {reason}"));
    }
    for row in &profile.types {
        let share = profile
            .total_bytes
            .filter(|total| *total > 0)
            .map(|total| 100.0 * row.bytes as f64 / total as f64);
        let share = share.map_or_else(String::new, |share| format!("{share:5.1} %"));
        let ages = row.ages.as_ref().map(|ages| format!("; {}", content::ages_in_words(ages)));
        let ages = ages.unwrap_or_default();
        line(format!("{:>12} {share}  {}{ages}", Bytes(row.bytes).to_string(), short_name(&row.type_name)));
    }
    if let Some(reason) = &profile.ages_unavailable {
        line(format!("ages and routes are not available: {reason}"));
    }
    if !profile.routes.is_empty() {
        let routes: Vec<_> = profile
            .routes
            .iter()
            .map(|route| format!("{} {}", short_name(&route.route), Bytes(route.bytes)))
            .collect();
        line(format!("by route: {}", routes.join(", ")));
    }
}

/// Reads a file of the folder.
fn read(folder: &Path, file: &str) -> Result<Vec<u8>, Failure> {
    crate::input::read(&folder.join(file), crate::client::MAX_BODY_BYTES)
}

#[cfg(test)]
mod tests;
