//! `memory-debug diff`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use memory_debug_report::{MemoryReport, MissingReason, ReportDiff, Selection, SnapshotDiff};
use serde::Deserialize;

use crate::client::{Client, Request};
use crate::connection_args::{ConnectionArgs, seconds};
use crate::failure::{Failure, notice};
use crate::interrupt;
use crate::login::Login;
use crate::output;
use crate::progress::Progress;
use crate::saved::{self, Saved};
use crate::target::Target;

/// How long to wait for the instance to delete a snapshot.
const FORGETTING: Duration = Duration::from_secs(2);

/// Print what changed in one instance over time, or between two saved files or two instances
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// Address of an instance, or a file: a report from `fetch -o` or a snapshot in pprof format
    #[arg(value_name = "URL|FILE")]
    base: String,
    /// The later file, or the other instance
    #[arg(value_name = "URL|FILE", conflicts_with = "seconds")]
    target: Option<String>,
    /// Seconds between the two measurements of one instance
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    seconds: Duration,
    /// Number of rows to print
    #[arg(long, default_value_t = 50)]
    top: usize,
    /// Print only types whose name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Diff {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match &self.target {
            Some(later) => self.two(&self.base, later)?,
            None => self.instance(&Target::parse(&self.base)?)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn two(&self, base: &str, target: &str) -> Result<(), Failure> {
        match (self.saved(base)?, self.saved(target)?) {
            (Saved::Report(base), Saved::Report(target)) => self.print_reports(&base, &target),
            (Saved::Snapshot(base), Saved::Snapshot(target)) => {
                let diff = SnapshotDiff::between(&base, &target, &Selection::default());
                let diff = diff
                    .map_err(|error| Failure::local(error.to_string()))?
                    .truncate_filtered(self.top, self.filter.as_deref());
                if self.json { output::print_json(&diff) } else { output::print_text(&diff.to_string()) }
            }
            _ => Err(Failure::usage(
                "one file is a report, the other is a snapshot; compare two files of the same kind",
            )),
        }
    }

    /// Compares one instance with itself. The instance makes the better comparison, because it has the stacks, but that
    /// needs the role `profile`. Without the role this command compares two tables.
    fn instance(&self, target: &Target) -> Result<(), Failure> {
        let client = self.connection.client()?;
        let login = self.connection.login(target)?;
        match KeptSnapshot::take(&client, target, &login) {
            Ok(kept) => {
                Progress::wait("waiting", self.seconds);
                let top = self.top.to_string();
                let format = if self.json { "json" } else { "text" };
                let mut query = vec![("base", kept.id.as_str()), ("format", format), ("top", &top)];
                query.extend(self.filter.as_deref().map(|filter| ("filter", filter)));
                let page = client.page(target, &login, Request::get("/diff", &query))?;
                output::print_page(&page, self.json)
            }
            Err(failure) if failure.reason == MissingReason::Forbidden => {
                notice(&format!(
                    "{} is not allowed to take snapshots, so this compares the tables of types",
                    login.user()
                ));
                let before = client.report(target, &login)?;
                Progress::wait("waiting", self.seconds);
                self.print_reports(&before, &client.report(target, &login)?)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Reads `what`, which is a file or an address.
    fn saved(&self, what: &str) -> Result<Saved, Failure> {
        if saved::is_file_name(what) {
            return Saved::read(Path::new(what));
        }
        let target = Target::parse(what)?;
        let report = self.connection.client()?.report(&target, &self.connection.login(&target)?)?;
        Ok(Saved::Report(Box::new(report)))
    }

    fn print_reports(&self, base: &MemoryReport, target: &MemoryReport) -> Result<(), Failure> {
        let diff = ReportDiff::between(base, target);
        let diff = diff.map_err(|error| Failure::local(error.to_string()))?;
        let diff = diff.truncate_filtered(self.top, self.filter.as_deref());
        if self.json { output::print_json(&diff) } else { output::print_text(&diff.to_string()) }
    }
}

/// A snapshot in the instance, deleted when this value is dropped or the program is interrupted.
struct KeptSnapshot {
    id: String,
}

impl KeptSnapshot {
    fn take(client: &Client, target: &Target, login: &Login) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Page {
            snapshot: Info,
        }
        #[derive(Deserialize)]
        struct Info {
            id: String,
        }
        let query = [("label", "memory-debug diff"), ("format", "json")];
        let request = Request::new("POST", "/snapshots", &query);
        let page: Page = client.json(target, login, request)?;
        let path = format!("/snapshots/{}", page.snapshot.id);
        let client = client.at_most(FORGETTING);
        let target = target.clone();
        let login = login.clone();
        *interrupt::undo() = Some(Box::new(move || {
            let request = Request::new("DELETE", &path, &[]);
            // If this fails, the instance deletes the snapshot by itself later.
            let _ = client.page(&target, &login, request);
        }));
        Ok(Self { id: page.snapshot.id })
    }
}

impl Drop for KeptSnapshot {
    fn drop(&mut self) {
        let forget = interrupt::undo().take();
        if let Some(forget) = forget {
            forget();
        }
    }
}
