//! `memory-debug report`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memory_debug_web::Document;

use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, notice};
use crate::output::{self, Existing};
use crate::record::Record;
use crate::saved;
use crate::target::Target;

/// Save the page of one instance, or saved reports, as one HTML file that a browser opens without a network
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// Address of an instance, a report from `fetch -o`, or a folder of reports and snapshots
    #[arg(value_name = "URL|FOLDER|FILE")]
    source: String,
    /// File to write, or `-` for standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Report {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        output::require_absent(&self.output, existing)?;
        let record = self.record()?;
        for note in &record.notes {
            notice(note);
        }
        let html = Document {
            reports: &record.reports,
            snapshots: &record.snapshots,
            change: record.change(),
            notes: &record.notes,
        }
        .html();
        output::save_over(&self.output, html.as_bytes(), existing)?;
        Ok(ExitCode::SUCCESS)
    }

    fn record(&self) -> Result<Record, Failure> {
        let path = Path::new(&self.source);
        if path.is_dir() {
            return Record::of_folder(path);
        }
        if saved::is_file_name(&self.source) {
            return Record::of_file(path);
        }
        let target = Target::parse(&self.source)?;
        let login = self.connection.login(&target)?;
        Record::of_instance(&self.connection.client()?, &target, &login)
    }
}
