//! `memory-debug symbolize`.

use std::io::{ErrorKind, IsTerminal as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memory_debug_profile::{BuildId, FileData, Mapping, SymbolTier, TypeAttributor, UnstrippedCopies};
use memory_debug_report::units::printable;
use memory_debug_report::{PprofOptions, SymbolizedProfile, render};

use crate::client::MAX_BODY_BYTES;
use crate::failure::{Failure, notice};
use crate::stacks::MAX_PROGRAM_BYTES;
use crate::{input, output};

/// The longest profile that this command reads, the same as the longest reply of an instance.
const MAX_PROFILE_BYTES: u64 = MAX_BODY_BYTES;

/// Add names to the profile of a stripped program: functions (also inlined ones), files, lines and types
#[derive(Debug, clap::Args)]
pub(crate) struct Symbolize {
    /// Profile in pprof format, from `memory-debug heap` or `/heap` (also with symbols=none); `-` reads standard input
    #[arg(value_name = "FILE")]
    profile: PathBuf,
    /// Unstripped program or library; or a stripped one together with its debug file and the file that dwz shares
    /// between programs. Files are matched by build-id, so their names do not matter
    #[arg(long, value_name = "BIN", required = true, num_args = 1..)]
    debug_file: Vec<PathBuf>,
    /// File to write, in pprof format [default: standard output, unless it is a terminal]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the stacks that hold the most memory, instead of a profile
    #[arg(long, conflicts_with = "output")]
    text: bool,
    /// Number of stacks that --text prints
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
}

impl Symbolize {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if self.output.is_none() && !self.text && stdout().is_terminal() {
            return Err(Failure::usage(
                "a profile is binary, so it is not written to a terminal; name a file with -o, use a pipe, or \
                 add --text",
            ));
        }
        let pprof = input::read(&self.profile, MAX_PROFILE_BYTES)?;
        let failed = |error: memory_debug_profile::Error| {
            Failure::local(error.to_string()).at(&self.profile.display())
        };
        let (profile, comments) = SymbolizedProfile::read_pprof(&*pprof).map_err(failed)?;
        let mut options = PprofOptions::read(&*pprof).map_err(failed)?;
        options.comments = comments;
        let profile = self.symbolized(&profile)?;
        if self.text {
            output::print(render::stacks_text(&profile, self.top.into()))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut pprof = Vec::new();
        profile.write_pprof(&options, &mut pprof).map_err(|error| Failure::local(error.to_string()))?;
        match &self.output {
            Some(path) => output::save(path, &pprof)?,
            None => output::print(pprof)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn symbolized(&self, profile: &SymbolizedProfile) -> Result<SymbolizedProfile, Failure> {
        let mut files = Vec::new();
        for path in &self.debug_file {
            files.push((path, input::read(path, MAX_PROGRAM_BYTES)?));
        }
        let shared: Vec<BuildId> =
            files.iter().filter_map(|(_, file)| BuildId::read_supplementary(file).ok().flatten()).collect();
        for (path, file) in &files {
            require_same_program(path, file, profile, &shared)?;
        }
        let files = files.into_iter().map(|(_, file)| Box::new(file) as FileData);
        let copies = UnstrippedCopies::new(files).map_err(|error| Failure::local(error.to_string()))?;
        let mut attributor = TypeAttributor::new();
        let symbolized = attributor.resymbolize(profile, &copies);
        let gaps = attributor.gaps();
        let reasons = gaps.iter().map(|gap| printable(&gap.reason)).collect::<Vec<_>>().join("; ");
        match attributor.tier() {
            SymbolTier::None if symbolized == without_names(profile) => {
                let reason =
                    if reasons.is_empty() { "these files contain no names for its code" } else { &reasons };
                return Err(Failure::local(format!(
                    "no function got a name: {reason}; give unstripped files from the same build as the program"
                )));
            }
            SymbolTier::Functions => {
                notice(&format!(
                    "the names come from the symbol table, without lines and inlined functions: {reasons}"
                ));
            }
            _ if !reasons.is_empty() => notice(&reasons),
            _ => {}
        }
        Ok(symbolized)
    }
}

/// The profile before it gets names.
fn without_names(profile: &SymbolizedProfile) -> SymbolizedProfile {
    let no_files = |_: &Mapping| Err(ErrorKind::NotFound.into());
    TypeAttributor::new().resymbolize(profile, &no_files)
}

/// Checks that the file belongs to the profile. `shared` are the supplementary files that the other files refer to.
///
/// # Errors
///
/// If no code in the profile comes from this file. The message names the build-ids of both.
fn require_same_program(
    path: &Path,
    file: &[u8],
    profile: &SymbolizedProfile,
    shared: &[BuildId],
) -> Result<(), Failure> {
    let id = BuildId::read(file).map_err(|error| Failure::local(error.to_string()).at(&path.display()))?;
    // A file without a build-id that is not a package is refused later, with the reason.
    let Some(id) = id else { return Ok(()) };
    if shared.contains(&id) || profile.files().any(|(_, known)| known == Some(&id)) {
        return Ok(());
    }
    let mut known: Vec<String> = profile
        .files()
        .map(|(name, known)| format!("{name} {}", known.map_or("without".to_owned(), BuildId::to_string)))
        .collect();
    known.dedup();
    let known = if known.is_empty() { "no file at all".to_owned() } else { known.join(", ") };
    let message =
        format!("has build-id {id}, but the profile is from {known}; give the file from the same build");
    Err(Failure::local(message).at(&path.display()))
}
