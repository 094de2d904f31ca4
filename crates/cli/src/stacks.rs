//! Files with stacks: heap profiles and traces of this project, and files of other tools.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use memory_debug_formats::{CallTree, TreeFormat};
use memory_debug_profile::{FileData, HeapProfile, Mapping, TypeAttributor};
use memory_debug_report::{Leaf, PprofOptions, SymbolizedProfile, TraceReport};

use crate::client::MAX_BODY_BYTES;
use crate::failure::{Failure, notice};
use crate::input;

/// The longest program that is read, in bytes. The whole file is held in memory.
pub(crate) const MAX_PROGRAM_BYTES: u64 = 4 << 30;

/// The first bytes of jemalloc's heap dump.
const RAW: &[u8] = b"heap_v2/";

/// The content of a file with stacks.
pub(crate) enum Stacks {
    /// A heap profile, with what it says about types.
    Heap(Box<SymbolizedProfile>, PprofOptions),
    /// Everything else.
    Tree(CallTree),
}

impl Stacks {
    /// Reads a file. `-` stands for standard input. Programs with symbols are for jemalloc's dump only.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has no stacks. The message names the file.
    pub(crate) fn read(path: &Path, programs: &[PathBuf]) -> Result<Self, Failure> {
        let content = input::read(path, MAX_BODY_BYTES)?;
        Self::parse(&content, programs).map_err(|failure| failure.at(&path.display()))
    }

    fn parse(content: &[u8], programs: &[PathBuf]) -> Result<Self, Failure> {
        if content.starts_with(RAW) {
            return dump(content, programs);
        }
        if !programs.is_empty() {
            return Err(Failure::usage(
                "--binary is for jemalloc's dump only, and this file has names already",
            ));
        }
        match TreeFormat::of_content(content) {
            Some(TreeFormat::Pprof) => {
                let profile = SymbolizedProfile::read_pprof(content);
                let (profile, comments) = profile.map_err(|error| {
                    Failure::local(format!("{error}; of pprof, only heap profiles are read"))
                })?;
                let mut options =
                    PprofOptions::read(content).map_err(|error| Failure::local(error.to_string()))?;
                options.comments = comments;
                Ok(Self::Heap(Box::new(profile), options))
            }
            Some(format) => {
                format.read(content).map(Self::Tree).map_err(|error| Failure::local(error.to_string()))
            }
            None => trace(content),
        }
    }

    /// A tree of the numbers that `format` writes. Types are where the pages of an instance have them.
    fn into_tree(self, format: TreeFormat) -> CallTree {
        match self {
            Self::Heap(profile, options) => {
                let leaf = if format == TreeFormat::Collapsed { Leaf::Function } else { Leaf::Type };
                let title = [&["heap profile".to_owned()], &options.comments[..]].concat().join("; ");
                profile.call_tree(title, leaf, usize::MAX)
            }
            Self::Tree(tree) => tree,
        }
    }

    /// Writes a file of another format. `event` chooses the only number that is written.
    ///
    /// # Errors
    ///
    /// If the format would lose units or signs, or there is no such event.
    pub(crate) fn write(self, format: TreeFormat, event: Option<&str>) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        if let (Self::Heap(profile, options), TreeFormat::Pprof, None) = (&self, format, event) {
            profile.write_pprof(options, &mut out).map_err(|error| Failure::local(error.to_string()))?;
            return Ok(out);
        }
        let mut tree = self.into_tree(format);
        if let Some(event) = event {
            let names: Vec<_> = tree.events.iter().map(|event| &*event.name).collect();
            let names = names.join(", ");
            tree = tree.with_events(&[event]).ok_or_else(|| {
                Failure::usage(format!("there is no number {event}; choose one of {names}"))
            })?;
        }
        format.write(&tree, &mut out).map_err(|error| Failure::local(error.to_string()))?;
        let left_out = format.left_out(&tree);
        if !left_out.is_empty() {
            notice(&format!("{} has no room for {}", format.name(), left_out.join(", ")));
        }
        if let (TreeFormat::Collapsed, Some(event)) = (format, tree.events.first()) {
            let (name, unit) = (&event.name, event.unit.name());
            notice(&format!("collapsed stacks do not say their unit: {name} is in the unit {unit}"));
        }
        Ok(out)
    }
}

impl From<SymbolizedProfile> for Stacks {
    /// A profile that is made now.
    fn from(profile: SymbolizedProfile) -> Self {
        Self::Heap(Box::new(profile), PprofOptions::taken_at(SystemTime::now()))
    }
}

/// Reads the JSON of `/trace`.
fn trace(content: &[u8]) -> Result<Stacks, Failure> {
    let report: TraceReport = serde_json::from_slice(content).map_err(|error| {
        Failure::local(format!(
            "is not one of the files that can be converted: pprof of a heap, JSON of /trace, jemalloc's dump, collapsed \
             stacks, speedscope, cpuprofile, heapprofile; as JSON of /trace: {error}"
        ))
    })?;
    if report.trace.is_none() {
        let reason = report.unavailable.get("trace").unwrap_or("it has none");
        return Err(Failure::local(format!("has no trace: {reason}")));
    }
    Ok(Stacks::Tree(report.call_tree()))
}

/// Reads jemalloc's dump, and names its code from the programs.
fn dump(content: &[u8], programs: &[PathBuf]) -> Result<Stacks, Failure> {
    if programs.is_empty() {
        return Err(Failure::usage(
            "a dump of jemalloc has addresses and no names; give the program with --binary",
        ));
    }
    let profile = HeapProfile::parse(content).map_err(|error| Failure::local(error.to_string()))?;
    for program in programs {
        let is_in = |mapping: &Mapping| mapping.path.file_name() == program.file_name();
        if !profile.mappings().iter().any(is_in) {
            return Err(Failure::local(format!(
                "has no code of a file that is called like {}; give the file under the name that it had",
                program.display()
            )));
        }
    }
    let load = |mapping: &Mapping| {
        let program = programs.iter().find(|program| program.file_name() == mapping.path.file_name());
        let program = program.ok_or(ErrorKind::NotFound)?;
        let content = input::read(program, MAX_PROGRAM_BYTES);
        Ok(Box::new(content.map_err(|failure| std::io::Error::other(failure.to_string()))?) as FileData)
    };
    let mut attributor = TypeAttributor::new();
    let symbolized = attributor.symbolize(&profile, &load);
    for gap in attributor.gaps() {
        notice(&gap.reason);
    }
    Ok(symbolized.into())
}
