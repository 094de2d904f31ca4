//! `memory-debug heap`.

use std::io::{IsTerminal as _, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use clap::builder::PossibleValuesParser;
use memory_debug_formats::TreeFormat;
use memory_debug_report::{MissingReason, PprofOptions, SymbolizedProfile};

use super::convert::{names, of_file};
use crate::ask_all::ask_all;
use crate::client::Request;
use crate::connection_args::{ConnectionArgs, seconds};
use crate::discover::Discovery;
use crate::failure::{Failure, Status};
use crate::login::Login;
use crate::output;
use crate::progress::Progress;
use crate::stacks::Stacks;
use crate::target::Target;

/// Save the heap profile of one instance, or the merged profile of many, for `pprof` or another tool
#[derive(Debug, clap::Args)]
pub(crate) struct Heap {
    /// File to write [default: standard output, unless it is a terminal]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format of the file [default: by the ending of the file, or pprof]. Chrome's DevTools open heapprofile,
    /// heapsnapshot and heaptimeline; they choose the panel by the ending
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(names(TreeFormat::OF_HEAP)))]
    format: Option<String>,
    /// Measure the growth within this many seconds instead of the memory in use
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=60))]
    seconds: Option<u16>,
    /// Number of instances to ask at the same time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
    /// Leave out instances that have not answered after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    deadline: Duration,
    #[command(flatten)]
    discovery: Discovery,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Heap {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let format = self.format();
        if format == TreeFormat::Pprof && self.output.is_none() && stdout().is_terminal() {
            return Err(Failure::usage(
                "a profile is binary, so it is not written to a terminal; name a file with -o, or use a pipe",
            ));
        }
        if format != TreeFormat::Pprof && self.seconds.is_some() {
            return Err(Failure::usage(format!(
                "growth has negative numbers, which the format {} cannot show; write pprof",
                format.name()
            )));
        }
        let client = self.connection.client()?;
        let mut found = self.discovery.find(&client, Discovery::end(self.deadline))?;
        let instances = found.with_logins(&self.connection)?;
        if instances.is_empty() && found.missing.is_empty() {
            return Err(Failure::usage(
                "no instance named; give an address, --targets-file, --http-sd, --dns or --srv",
            ));
        }
        let missing = found.missing.into_iter();
        let mut problems: Vec<_> =
            missing.map(|missing| Failure::new(missing.reason, missing.detail).at(&missing.target)).collect();
        let seconds = self.seconds.map(|seconds| seconds.to_string());
        let mut profiles = Vec::new();
        let progress = Progress::new("asking", instances.len() as u64);
        let parallel = usize::from(self.parallel);
        let end = Instant::now() + self.deadline;
        // One instance writes the file itself, because its pprof does not say which places of the service allocate.
        let writes_itself = instances.len() == 1 && problems.is_empty();
        let asked = if writes_itself { format } else { TreeFormat::Pprof };
        let ask = move |target: &Target, login: &Login, left| {
            let mut query = vec![("format", asked.name())];
            query.extend(seconds.as_deref().map(|seconds| ("seconds", seconds)));
            let page = client.at_most(left).page(target, login, Request::get("/heap", &query))?;
            let profile = (asked == TreeFormat::Pprof).then(|| read(&page)).transpose();
            Ok((page, profile.map_err(|failure| failure.at(target))?))
        };
        ask_all(instances, parallel, end, ask, |_, answer| {
            progress.step();
            match answer {
                Ok(profile) => profiles.push(profile),
                Err(failure) => problems.push(failure),
            }
        });
        drop(progress);
        problems.iter().for_each(Failure::print);
        let profile = match profiles.len() {
            0 => return Err(Failure::local("no instance sent a profile")),
            // Keep the original, because `pprof` needs its addresses to find source lines.
            1 if asked == format => profiles.remove(0).0,
            _ => merged(profiles.into_iter().filter_map(|(_, profile)| profile).collect())?
                .write(format, None)?,
        };
        match &self.output {
            Some(path) => output::save(path, &profile)?,
            None if stdout().is_terminal() => output::print_text(&String::from_utf8_lossy(&profile))?,
            None => output::print(profile)?,
        }
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { Status::Incomplete.into() })
    }
}

impl Heap {
    /// The named format, or the one that belongs to the file's ending.
    fn format(&self) -> TreeFormat {
        let named = self.format.as_deref().map(TreeFormat::from_name);
        let format = named.unwrap_or_else(|| of_file(self.output.as_deref()?));
        format.filter(|format| TreeFormat::OF_HEAP.contains(format)).unwrap_or(TreeFormat::Pprof)
    }
}

/// Reads a profile in pprof format.
pub(super) fn read(pprof: &[u8]) -> Result<SymbolizedProfile, Failure> {
    let read = SymbolizedProfile::read_pprof(pprof);
    let (profile, _) =
        read.map_err(|error| Failure::new(MissingReason::NoReport, format!("not a heap profile: {error}")))?;
    Ok(profile)
}

/// Merges profiles, also of different programs, because their stacks consist of names.
fn merged(profiles: Vec<SymbolizedProfile>) -> Result<Stacks, Failure> {
    let sum = SymbolizedProfile::merge(&profiles)
        .ok_or_else(|| Failure::local("cannot merge profiles of growth with profiles of live memory"))?;
    let mut options = PprofOptions::taken_at(SystemTime::now());
    options.comments.push(format!("{} instances merged", profiles.len()));
    Ok(Stacks::Heap(Box::new(sum), options))
}
