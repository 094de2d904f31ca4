//! `memory-debug doctor`.

use std::process::ExitCode;

use clap::ValueEnum;
use memory_debug_report::{Diagnosis, Severity};
use serde::Deserialize;

use crate::client::Question;
use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, Status};
use crate::output;
use crate::target::Target;

/// Print what is wrong in one instance and what to change; scripts can use the exit status
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Address of the service, or of its memory page if that is not at /debug/memory
    #[arg(value_name = "URL")]
    url: String,
    /// Exit with status 3 if a problem has at least this severity
    #[arg(long, value_enum, default_value = "critical", value_name = "SEVERITY")]
    fail_on: FailOn,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Notice,
    Warning,
    Critical,
    Never,
}

#[derive(Deserialize)]
struct Page {
    doctor: Diagnosis,
}

impl Doctor {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let url = Target::parse(&self.url)?;
        let (client, login) = (self.connection.client()?, self.connection.login(&url)?);
        let page: serde_json::Value =
            client.json(&url, &login, Question::get("/doctor", &[("format", "json")]))?;
        let Page { doctor } = Page::deserialize(&page)
            .map_err(|error| Failure::local(format!("not a diagnosis: {error}")).at(&url))?;
        if self.json {
            output::print_json(&page)?
        } else {
            output::print_text(&doctor.to_string())?
        }
        let found = doctor.verdicts.iter().any(|verdict| self.fail_on.counts(verdict.severity));
        Ok(if found { Status::Found.into() } else { ExitCode::SUCCESS })
    }
}

impl FailOn {
    fn counts(self, severity: Severity) -> bool {
        let least = match self {
            Self::Notice => Severity::Notice,
            Self::Warning => Severity::Warning,
            Self::Critical => Severity::Critical,
            Self::Never => return false,
        };
        // The worst is the least.
        severity <= least
    }
}
