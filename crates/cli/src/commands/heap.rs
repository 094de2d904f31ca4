//! `memory-debug heap`.

use std::io::{IsTerminal as _, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use memory_debug_report::{MissingReason, PprofOptions, SymbolizedProfile};

use crate::ask_all::ask_all;
use crate::client::Request;
use crate::connection_args::{ConnectionArgs, seconds};
use crate::discover::Discovery;
use crate::failure::{Failure, Status};
use crate::login::Login;
use crate::output;
use crate::progress::Progress;
use crate::target::Target;

/// Save the heap profile of one instance, or the merged profile of many, in pprof format
#[derive(Debug, clap::Args)]
pub(crate) struct Heap {
    /// File to write [default: standard output, unless it is a terminal]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
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
        if self.output.is_none() && stdout().is_terminal() {
            return Err(Failure::usage(
                "a profile is binary, so it is not written to a terminal; name a file with -o, or use a pipe",
            ));
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
        let ask = move |target: &Target, login: &Login, left| {
            let mut query = vec![("format", "pprof")];
            query.extend(seconds.as_deref().map(|seconds| ("seconds", seconds)));
            let pprof = client.at_most(left).page(target, login, Request::get("/heap", &query))?;
            let profile = read(&pprof).map_err(|failure| failure.at(target))?;
            Ok((pprof, profile))
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
            1 => profiles.remove(0).0,
            _ => merged(profiles.into_iter().map(|(_, profile)| profile).collect())?,
        };
        match &self.output {
            Some(path) => output::save(path, &profile)?,
            None => output::print(profile)?,
        }
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { Status::Incomplete.into() })
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
fn merged(profiles: Vec<SymbolizedProfile>) -> Result<Vec<u8>, Failure> {
    let sum = SymbolizedProfile::merge(&profiles)
        .ok_or_else(|| Failure::local("cannot merge profiles of growth with profiles of live memory"))?;
    let mut options = PprofOptions::taken_at(SystemTime::now());
    options.comments.push(format!("{} instances merged", profiles.len()));
    let mut pprof = Vec::new();
    sum.write_pprof(&options, &mut pprof).map_err(|error| Failure::local(error.to_string()))?;
    Ok(pprof)
}
