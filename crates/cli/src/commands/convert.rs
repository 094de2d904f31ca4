//! `memory-debug convert`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use memory_debug_formats::TreeFormat;

use crate::failure::Failure;
use crate::output;
use crate::stacks::Stacks;

/// Convert a file with stacks for another tool: a heap profile, a trace, or a file of another tool
#[derive(Debug, clap::Args)]
pub(crate) struct Convert {
    /// Heap profile (pprof), JSON of /trace, dump of jemalloc, collapsed stacks, or a file of the format speedscope,
    /// cpuprofile or heapprofile; `-` reads standard input
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// File to write; `-` writes to standard output
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// Format to write [default: by the ending of OUT]
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(names(TreeFormat::ALL)))]
    format: Option<String>,
    /// Write only this number: Bytes, Objects, Total, Busy, Allocated [default: all that the format holds]
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Program with symbols, or a library, for a dump of jemalloc
    #[arg(long, value_name = "BIN", num_args = 1..)]
    binary: Vec<PathBuf>,
}

impl Convert {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let format = self.format.as_deref().map_or_else(|| of_file(&self.to), TreeFormat::from_name);
        let format = format.ok_or_else(|| {
            let (path, names) = (self.to.display(), names(TreeFormat::ALL).join(", "));
            Failure::usage(format!(
                "no format belongs to the ending of {path}; choose one with --format: {names}"
            ))
        })?;
        let stacks = Stacks::read(&self.from, &self.binary)?;
        let content = stacks.write(format, self.event.as_deref());
        output::save(&self.to, &content.map_err(|failure| failure.at(&self.from.display()))?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The names of formats.
pub(super) fn names(formats: &[TreeFormat]) -> Vec<&'static str> {
    formats.iter().map(|format| format.name()).collect()
}

/// The format that belongs to the ending of a file's name.
pub(super) fn of_file(path: &Path) -> Option<TreeFormat> {
    TreeFormat::from_file_name(path.file_name()?.to_str()?)
}
