//! Thin ways in for the fuzz targets and for capturing golden stacks. No part of the interface: they change with what they lead to.

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

/// A type name shortened to the last segment, to crate and last segment, and not at all.
pub fn readable_names(full: &str) -> [String; 3] {
    [Qualify::Last, Qualify::Crate, Qualify::Whole].map(|qualify| type_name::readable(full, qualify))
}

/// A function's path, and its generic arguments.
pub fn split_arguments(name: &str) -> (&str, Vec<&str>) {
    type_name::split_arguments(name)
}

/// One line of `/proc/PID/maps`.
pub fn mapping(line: &[u8]) -> Result<Option<Mapping>, &'static str> {
    Mapping::parse(line)
}

/// A source path without what is particular to the machine that built it.
pub fn trimmed_source_path(path: &str) -> String {
    source_path::trimmed(path, Some("/home/ann/app")).into_owned()
}

/// A function taken apart.
#[derive(Debug)]
pub struct FunctionParts {
    /// Path of the module.
    pub module: String,
    /// Last segment of the path.
    pub name: String,
    /// Generic arguments.
    pub arguments: Vec<String>,
    /// The name for people.
    pub label: String,
}

/// Takes a demangled symbol, or with `is_symbol` false a `DW_AT_name`, apart.
pub fn function_parts(name: &str, is_symbol: bool, file: Option<&str>) -> FunctionParts {
    let info = function_info(name, is_symbol, file);
    let label = info.label();
    let FunctionInfo { module, name, arguments, .. } = info;
    FunctionParts { module, name, arguments, label }
}

/// What a stack is attributed to, shortened as in [`readable_names`], and whether that is a type. Frames as
/// `(name, file)`, innermost first; one without a file is a symbol.
pub fn attribution(frames: &[(&str, Option<&str>)]) -> ([String; 3], bool) {
    let frames: Vec<_> =
        frames.iter().map(|(name, file)| function_info(name, file.is_none(), *file)).collect();
    let known = &mut ReadableNames::default();
    let steps: Vec<_> = frames.iter().map(|info| Step { info, line: 0 }).collect();
    let owner = attribute(&steps, known);
    let names = [Qualify::Last, Qualify::Crate, Qualify::Whole].map(|qualify| owner.name(qualify, known));
    (names, owner.is_type())
}

/// The stacks of a profile: `= type` or `? function` as it is attributed, its bytes, and its frames innermost first as
/// golden stacks have them.
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
