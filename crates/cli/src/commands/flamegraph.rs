//! `memory-debug flamegraph`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use memory_debug_report::{Count, FlamegraphOptions, Leaf, SymbolizedProfile};

use super::heap;
use crate::client::{MAX_BODY_BYTES, Request};
use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, notice};
use crate::input;
use crate::output;
use crate::target::Target;

/// Draw a heap profile as a flame graph (SVG), from an instance or from a file in pprof format
#[derive(Debug, clap::Args)]
pub(crate) struct Flamegraph {
    /// Address of an instance, or a file from `memory-debug heap`
    #[arg(value_name = "URL|FILE")]
    profile: String,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Earlier profile to compare with; frames that grew since then are red, frames that shrank are blue
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// What the topmost frames show
    #[arg(long, value_enum, default_value = "function")]
    by: By,
    /// What the width of a frame shows
    #[arg(long, value_enum, default_value = "bytes")]
    count: Widths,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Function,
    Type,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Widths {
    Bytes,
    Objects,
}

impl Flamegraph {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let profile = self.profile()?;
        let mut options = FlamegraphOptions::default();
        options.title = format!("live memory of {}", self.profile);
        options.leaf = match self.by {
            By::Function => Leaf::Function,
            By::Type => Leaf::Type,
        };
        options.count = match self.count {
            Widths::Bytes => Count::Bytes,
            Widths::Objects => Count::Objects,
        };
        let mut picture = Vec::new();
        let drawn = match &self.base {
            None => profile.write_flamegraph(&options, &mut picture),
            Some(path) => {
                options.subtitle = format!("red has grown since {}, blue has shrunk", path.display());
                let base = heap::read(&input::read(path, MAX_BODY_BYTES)?)?;
                if let Some(note) = note(&base, &profile) {
                    notice(&note);
                }
                profile.write_flamegraph_since(&base, &options, &mut picture)
            }
        };
        drawn.map_err(|error| Failure::local(format!("{}: {error}", self.profile)))?;
        match &self.output {
            Some(path) => output::save(path, &picture)?,
            None => output::print_text(&String::from_utf8_lossy(&picture))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Reads the profile from a file if there is such a file. Otherwise it is an address.
    fn profile(&self) -> Result<SymbolizedProfile, Failure> {
        let path = PathBuf::from(&self.profile);
        if input::is_stdin(&path) || path.exists() {
            return heap::read(&input::read(&path, MAX_BODY_BYTES)?);
        }
        let target = Target::parse(&self.profile)?;
        let client = self.connection.client()?;
        let login = self.connection.login(&target)?;
        heap::read(&client.page(&target, &login, Request::get("/heap", &[("format", "pprof")]))?)
    }
}

/// A warning if the colours would be wrong. A profile states its sampling rate, but not since when it was sampled.
fn note(base: &SymbolizedProfile, profile: &SymbolizedProfile) -> Option<String> {
    let rates = (base.sample_rate().bytes(), profile.sample_rate().bytes());
    (rates.0 != rates.1).then(|| {
        format!(
            "the profiles were sampled at different rates, 1 per {} and 1 per {} bytes; if they are from one process, it \
             discarded its samples in between, so blue does not mean freed; take both profiles at the same rate",
            rates.0, rates.1
        )
    })
}

#[cfg(test)]
mod tests {
    use memory_debug_profile::SampleRate;

    use super::*;

    #[test]
    fn warns_about_profiles_of_different_rates() {
        let at = |bytes| SymbolizedProfile::empty(SampleRate::from_bytes(bytes));
        assert_eq!(note(&at(524_288), &at(524_288)), None);
        let note = note(&at(524_288), &at(65_536)).unwrap();
        assert!(note.contains("1 per 524288 and 1 per 65536 bytes") && note.contains("discarded"), "{note}");
    }
}
