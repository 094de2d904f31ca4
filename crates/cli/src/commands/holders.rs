//! `memory-debug holders`.

use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use memory_debug_holders::{ProgressReport, RunningScan};

use crate::client::{Client, Request};
use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, notice};
use crate::login::Login;
use crate::output;
use crate::progress::Progress;
use crate::target::Target;

/// How often to look whether the scan has ended, and how many such looks pass between two questions about it.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 5;

/// How long a question about a running scan may take.
const ASKING: Duration = Duration::from_secs(2);

/// The steps of the progress bar.
const STEPS: u64 = 100;

const FORMATS: [&str; 4] = ["text", "json", "svg", "dot"];

/// Scan the heap of one instance and print what holds the memory, up to a static, a thread or a task
#[derive(Debug, clap::Args)]
pub(crate) struct Holders {
    /// Address of the service, or of its memory page if that is not at /debug/memory
    #[arg(value_name = "URL")]
    url: String,
    /// Print only types whose name contains this text, or the type whose row in `types` has this id
    #[arg(long = "type", value_name = "TYPE")]
    type_filter: Option<String>,
    /// Longest chain of holders [default: 8]
    #[arg(long, value_name = "N", conflicts_with = "last", value_parser = clap::value_parser!(u8).range(1..=32))]
    depth: Option<u8>,
    /// Number of scans. Unreachable memory needs three [default: 3]
    #[arg(long, value_name = "N", conflicts_with = "last", value_parser = clap::value_parser!(u8).range(1..=3))]
    scans: Option<u8>,
    /// End the scans after this many seconds; the result then covers a part of the heap [default: 20]
    #[arg(long, value_name = "SECONDS", conflicts_with = "last", value_parser = clap::value_parser!(u8).range(1..=60))]
    seconds: Option<u8>,
    /// Number of types to print
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Print the result of the last scan instead of scanning
    #[arg(long)]
    last: bool,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format of the result [default: by the ending of the file, or text]
    #[arg(long, value_name = "FORMAT", value_parser = FORMATS)]
    format: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Holders {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let format = self.format()?;
        let url = Target::parse(&self.url)?;
        let (client, login) = (self.connection.client()?, self.connection.login(&url)?);
        let page = self.ask(&client, &url, &login, format)?;
        match &self.output {
            Some(path) => {
                output::save(path, &page)?;
                if !output::is_stdout(path) {
                    notice(&format!("wrote {} as {format}", path.display()));
                }
            }
            None => output::print_page(&page, format == "json")?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Asks for the page. During a scan, a terminal shows how far it is.
    fn ask(&self, client: &Client, url: &Target, login: &Login, format: &str) -> Result<Vec<u8>, Failure> {
        let numbers = [("depth", self.depth), ("scans", self.scans), ("seconds", self.seconds)];
        let numbers: Vec<_> =
            numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string()))).collect();
        let top = self.top.to_string();
        let mut query = vec![("format", format), ("top", &*top)];
        query.extend(self.type_filter.as_deref().map(|filter| ("type", filter)));
        query.extend(numbers.iter().map(|(name, number)| (*name, &**number)));
        query.extend(self.last.then_some(("last", "true")));
        let request = Request::get("/holders", &query);
        if self.last {
            return client.page(url, login, request);
        }
        // The service answers when the scans have ended, and it may have to wait for another scan first.
        let scanning = Duration::from_secs(2 * u64::from(self.seconds.unwrap_or(20)));
        let patient = client.with_more_time(scanning);
        if !stderr().is_terminal() {
            return patient.page(url, login, request);
        }
        let asking = client.at_most(ASKING);
        thread::scope(|scope| {
            let page = scope.spawn(|| patient.page(url, login, request));
            let progress = Progress::new("scanning", STEPS);
            for look in 1.. {
                if page.is_finished() {
                    break;
                }
                thread::sleep(LOOK);
                if look % LOOKS == 0
                    && let Some(running) = running(&asking, url, login)
                {
                    progress.show(steps(&running, self.scans.unwrap_or(3)));
                }
            }
            drop(progress);
            page.join().map_err(|_panic| Failure::local("the request ended abruptly; this is a bug"))?
        })
    }

    /// The format of the result: the named one, or the one that belongs to the file's ending.
    fn format(&self) -> Result<&'static str, Failure> {
        if let Some(named) = FORMATS.into_iter().find(|known| self.format.as_deref() == Some(known)) {
            return Ok(named);
        }
        let path = self.output.as_deref().filter(|path| !output::is_stdout(path));
        path.map_or(Ok("text"), |path| {
            of_file(path).ok_or_else(|| {
                Failure::usage(format!(
                    "no format belongs to the ending of {}; choose one with --format: {}",
                    path.display(),
                    FORMATS.join(", ")
                ))
            })
        })
    }
}

/// The format that belongs to the ending of a file's name.
fn of_file(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "txt" => Some("text"),
        "json" => Some("json"),
        "svg" => Some("svg"),
        "dot" | "gv" => Some("dot"),
        _ => None,
    }
}

/// The scan that runs. `None` if none does, or the service does not say.
fn running(client: &Client, url: &Target, login: &Login) -> Option<RunningScan> {
    let request = Request::get("/holders/progress", &[("format", "json")]);
    client.json::<ProgressReport>(url, login, request).ok()?.running
}

/// How many steps of the bar are done, if `scans` scans were asked for.
fn steps(running: &RunningScan, scans: u8) -> u64 {
    let part = running.read_bytes as f64 / running.heap_bytes.max(1) as f64;
    let done = (f64::from(running.scans_done) + part.min(1.0)) / f64::from(scans.max(1));
    (done.min(1.0) * STEPS as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_file_selects_its_format() {
        for (name, format) in [
            ("holders.svg", Some("svg")),
            ("holders.dot", Some("dot")),
            ("holders.gv", Some("dot")),
            ("holders.json", Some("json")),
            ("holders.txt", Some("text")),
            ("holders.html", None),
            ("holders", None),
        ] {
            assert_eq!(of_file(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn the_bar_counts_scans_and_never_passes_its_end() {
        let running = |read, heap, done| RunningScan::new("", read, heap, done);
        assert_eq!(steps(&running(0, 0, 0), 3), 0);
        assert_eq!(steps(&running(50, 100, 1), 2), 75);
        assert_eq!(steps(&running(900, 100, 9), 3), STEPS);
    }
}
