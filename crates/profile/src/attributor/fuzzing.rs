//! Entry points for the fuzz targets, and for capturing golden stacks. Not part of the public interface.

use std::sync::Arc;

use super::TypeAttributor;
use crate::attribution::function::FunctionInfo;
use crate::attribution::stack::attribute;
use crate::attribution::step::Step;
use crate::mapping::Mapping;
use crate::profile::HeapProfile;
use crate::symbols::frames::{Frame, Function};
use crate::symbols::{LoadObject, source_path};
use crate::type_name::{self, Qualify, ReadableNames};

/// Makes three forms of a type name: the last segment, the crate and the last segment, and the whole name.
pub fn readable_names(full: &str) -> [String; 3] {
    [Qualify::Last, Qualify::Crate, Qualify::Whole].map(|qualify| type_name::readable(full, qualify))
}

/// Splits a function's name into path and generic arguments.
pub fn split_arguments(name: &str) -> (&str, Vec<&str>) {
    type_name::split_arguments(name)
}

/// Parses one line of `/proc/PID/maps`.
pub fn mapping(line: &[u8]) -> Result<Option<Mapping>, &'static str> {
    Mapping::parse(line)
}

/// Removes the part of a source path that depends on the build machine.
pub fn trimmed_source_path(path: &str) -> String {
    source_path::trimmed(path, Some("/home/ann/app")).into_owned()
}

/// The parts of a function's name.
#[derive(Debug)]
pub struct FunctionParts {
    /// Path of the module.
    pub module: String,
    /// Last segment of the path.
    pub name: String,
    /// Generic arguments.
    pub arguments: Vec<String>,
    /// The readable name.
    pub label: String,
}

/// Parses a demangled symbol or, if `is_symbol` is false, a `DW_AT_name`.
pub fn function_parts(name: &str, is_symbol: bool, file: Option<&str>) -> FunctionParts {
    let info = function_info(name, is_symbol, file);
    let label = info.label();
    let FunctionInfo { module, name, arguments, .. } = info;
    FunctionParts { module, name, arguments, label }
}

/// Finds the owner of a stack, shortened as in [`readable_names`], and whether it is a type. Frames are
/// `(name, file)`, innermost first. A frame without a file is a symbol.
pub fn attribution(frames: &[(&str, Option<&str>)]) -> ([String; 3], bool) {
    let frames: Vec<_> =
        frames.iter().map(|(name, file)| function_info(name, file.is_none(), *file)).collect();
    let known = &mut ReadableNames::default();
    let steps: Vec<_> = frames.iter().map(|info| Step { info, line: 0 }).collect();
    let owner = attribute(&steps, known);
    let names = [Qualify::Last, Qualify::Crate, Qualify::Whole].map(|qualify| owner.name(qualify, known));
    (names, owner.is_type())
}

/// Lists the stacks of a profile: the attribution (`= type` or `? function`), the bytes, and the frames in the form
/// of golden stacks, innermost first.
pub fn attributed_stacks(profile: &HeapProfile, files: &dyn LoadObject) -> Vec<(String, u64, Vec<String>)> {
    let mut attributor = TypeAttributor::new();
    attributor.symbolizer.resolve(profile, files);
    let mut stacks = Vec::new();
    for stack in profile.stacks().filter(|stack| stack.live.objects > 0) {
        let frames = attributor.frames_of(stack.addresses);
        let names = &mut ReadableNames::default();
        let owner = attribute(&attributor.steps(&frames), names);
        let sign = if owner.is_type() { '=' } else { '?' };
        let text = |frame: &Frame| {
            let function = attributor.symbolizer.table().function(frame.function);
            let name = function.name.as_deref().unwrap_or_default();
            function
                .file
                .as_ref()
                .map_or_else(|| name.to_owned(), |file| format!("{name} | {file}:{}", frame.line))
        };
        let row = format!("{sign} {}", owner.name(Qualify::Last, names));
        stacks.push((row, stack.live.bytes, frames.iter().map(text).collect()));
    }
    stacks.sort();
    stacks
}

fn function_info(name: &str, is_symbol: bool, file: Option<&str>) -> FunctionInfo {
    FunctionInfo::of(&Function::new(Some(Arc::from(name)), is_symbol, file.map(Arc::from)))
}
