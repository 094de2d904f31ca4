//! `memory-debug types`.

use std::process::ExitCode;

use crate::client::Request;
use crate::connection_args::ConnectionArgs;
use crate::failure::Failure;
use crate::output;
use crate::target::Target;

/// Print the types that hold the memory of one instance
#[derive(Debug, clap::Args)]
pub(crate) struct Types {
    /// Address of the service, or of its memory page if that is not at /debug/memory
    #[arg(value_name = "URL")]
    url: String,
    /// Number of rows to print
    #[arg(long, default_value_t = 50)]
    top: usize,
    /// Print only types whose name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Order of the rows: bytes, count or name
    #[arg(long, value_name = "ORDER")]
    sort: Option<String>,
    /// What each row stands for: container, element, function, file, line, crate, thread, thread_id, size_class,
    /// traceback, age or route
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Types {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let top = self.top.to_string();
        let mut query = vec![("format", if self.json { "json" } else { "text" }), ("top", top.as_str())];
        for (name, value) in [("filter", &self.filter), ("sort", &self.sort), ("group", &self.group)] {
            query.extend(value.as_deref().map(|value| (name, value)));
        }
        let url = Target::parse(&self.url)?;
        let login = self.connection.login(&url)?;
        let page = self.connection.client()?.page(&url, &login, Request::get("/types", &query))?;
        output::print_page(&page, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}
