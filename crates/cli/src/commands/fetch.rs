//! `memory-debug fetch`.

use std::path::PathBuf;
use std::process::ExitCode;

use memory_debug_report::render;

use crate::client::Request;
use crate::connection_args::ConnectionArgs;
use crate::failure::Failure;
use crate::output;
use crate::target::Target;

/// Print or save the full report of one instance
#[derive(Debug, clap::Args)]
pub(crate) struct Fetch {
    /// Address of the service, or of its memory page if that is not at /debug/memory
    #[arg(value_name = "URL")]
    url: String,
    /// Number of rows in the table of types
    #[arg(long, default_value_t = 50)]
    top: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Save the report to this file as JSON, for `memory-debug diff`
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Fetch {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let format = if self.json || self.output.is_some() { "json" } else { "text" };
        let top = self.top.to_string();
        let query = [("format", format), ("top", &top)];
        let url = Target::parse(&self.url)?;
        let login = self.connection.login(&url)?;
        let page = self.connection.client()?.page(&url, &login, Request::get("", &query))?;
        match &self.output {
            Some(path) if !output::is_stdout(path) => {
                // Escape the page, because an operator may print the file on a terminal.
                output::save(path, render::printable_json(&String::from_utf8_lossy(&page)).as_bytes())?;
            }
            _ => output::print_page(&page, format == "json")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
