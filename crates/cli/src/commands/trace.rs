//! `memory-debug trace`.

use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use memory_debug_formats::TreeFormat;

use crate::client::{Client, Request};
use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, notice};
use crate::interrupt;
use crate::login::Login;
use crate::output;
use crate::progress::Progress;
use crate::target::Target;

/// How long to wait for the instance to stop its tracer.
const STOPPING: Duration = Duration::from_secs(2);

const TEXT: &str = "text";
const JSON: &str = "json";

/// Count for a while where the requests of one instance spend time and bytes
#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    /// Address of the service, or of its memory page if that is not at /debug/memory
    #[arg(value_name = "URL")]
    url: String,
    /// Count for this many seconds. Ctrl-C stops earlier
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format of the result [default: by the ending of the file, or text]
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(formats()))]
    format: Option<String>,
    /// Number that is shown in formats with one number, and that decides which calls are in text and JSON
    #[arg(long, value_name = "EVENT", value_parser = ["total", "busy", "allocated"])]
    events: Option<String>,
    /// Number of calls, and of routes, in text and JSON
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The names of all formats.
fn formats() -> Vec<&'static str> {
    [TEXT, JSON].into_iter().chain(TreeFormat::OF_TRACE.iter().map(|format| format.name())).collect()
}

impl Trace {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let format = self.format()?;
        if format == TreeFormat::Pprof.name() && self.output.is_none() && stdout().is_terminal() {
            return Err(Failure::usage(
                "pprof is binary, so it is not written to a terminal; name a file with -o, or use a pipe",
            ));
        }
        let url = Target::parse(&self.url)?;
        let (client, login) = (self.connection.client()?, self.connection.login(&url)?);
        let counting = Counting::start(&client, &url, &login, self.seconds)?;
        Progress::wait("counting", Duration::from_secs(self.seconds.into()));
        counting.has_ended();
        let top = self.top.to_string();
        let mut query = vec![("format", format)];
        query.extend([TEXT, JSON].contains(&format).then_some(("top", &*top)));
        query.extend(self.events.as_deref().map(|event| ("events", event)));
        let page = client.page(&url, &login, Request::get("/trace", &query))?;
        self.write(&page, format)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The format of the result: the named one, or the one that belongs to the file's ending.
    fn format(&self) -> Result<&str, Failure> {
        let name = self.output.as_deref().filter(|path| !output::is_stdout(path)).and_then(Path::file_name);
        match (&self.format, name.and_then(|name| name.to_str())) {
            (Some(format), _) => Ok(format),
            (None, None) => Ok(TEXT),
            (None, Some(name)) => of_file(name).ok_or_else(|| {
                let formats = formats().join(", ");
                Failure::usage(format!(
                    "no format belongs to the ending of {name}; choose one with --format: {formats}"
                ))
            }),
        }
    }

    fn write(&self, page: &[u8], format: &str) -> Result<(), Failure> {
        match &self.output {
            Some(path) => {
                output::save(path, page)?;
                if !output::is_stdout(path) {
                    notice(&format!(
                        "counted for {} s and wrote {} as {format}",
                        self.seconds,
                        path.display()
                    ));
                }
                Ok(())
            }
            None if [TEXT, JSON].contains(&format) => output::print_page(page, format == JSON),
            None => output::print(page),
        }
    }
}

/// The format that belongs to the ending of a file's name.
fn of_file(name: &str) -> Option<&'static str> {
    let of_tools = TreeFormat::from_file_name(name).filter(|format| TreeFormat::OF_TRACE.contains(format));
    let ours = || match Path::new(name).extension()?.to_str()? {
        "txt" => Some(TEXT),
        "json" => Some(JSON),
        _ => None,
    };
    of_tools.map(TreeFormat::name).or_else(ours)
}

/// A tracer that counts, which is stopped when this value is dropped or the program is interrupted.
struct Counting;

impl Counting {
    fn start(client: &Client, url: &Target, login: &Login, seconds: u16) -> Result<Self, Failure> {
        let change = |client: &Client, url: &Target, login: &Login, json: &str| {
            let query = &[("format", "json")];
            client.page(url, login, Request { json: Some(json), ..Request::new("POST", "/trace", query) })
        };
        // Locked until the tracer can be stopped, so that an interrupt does not come in between.
        let mut undo = interrupt::undo();
        change(client, url, login, &format!("{{\"seconds\":{seconds}}}"))?;
        let (client, url, login) = (client.at_most(STOPPING), url.clone(), login.clone());
        *undo = Some(Box::new(move || match change(&client, &url, &login, "{\"stop\":true}") {
            Ok(_) => notice(&format!("stopped the tracer; {} has what it counted", url.url("/trace", &[]))),
            Err(failure) => {
                notice(&format!("did not stop the tracer ({failure}); it stops by itself after {seconds} s"));
            }
        }));
        Ok(Self)
    }

    /// The time is over, so the tracer has stopped by itself.
    fn has_ended(self) {
        *interrupt::undo() = None;
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let stop = interrupt::undo().take();
        if let Some(stop) = stop {
            stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_file_selects_its_format() {
        for (name, format) in [
            ("trace.callgrind", Some("callgrind")),
            ("callgrind.out.7", Some("callgrind")),
            ("trace.cpuprofile", Some("cpuprofile")),
            ("trace.speedscope.json", Some("speedscope")),
            ("trace.collapsed", Some("collapsed")),
            ("trace.pb.gz", Some("pprof")),
            ("trace.json", Some("json")),
            ("trace.txt", Some("text")),
            // Formats of heaps only.
            ("trace.heapsnapshot", None),
            ("trace.heapprofile", None),
            ("trace", None),
            ("trace.html", None),
            (".callgrind", None),
        ] {
            assert_eq!(of_file(name), format, "{name}");
        }
    }
}
