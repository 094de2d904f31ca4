//! Thin ways in for the fuzz targets. No part of the interface: they change with what they lead to.

use std::sync::Arc;

use super::function::FunctionInfo;
use super::stack::attribute;
use crate::mapping::Mapping;
use crate::symbolize::frames::Function;
use crate::symbolize::source_path;
use crate::type_name::{self, Qualify};

/// A type name shortened to the last segment, to crate and last segment, and not at all.
pub fn readable_names(full: &str) -> [String; 3] {
    [Qualify::Last, Qualify::Crate, Qualify::Whole].map(|qualify| type_name::readable(full, qualify))
}

/// A function's path, and its generic arguments.
pub fn split_arguments(name: &str) -> (&str, Vec<&str>) {
    type_name::split_arguments(name)
}

/// One line of `/proc/PID/maps`.
pub fn mapping(line: &str) -> Result<Option<Mapping>, &'static str> {
    Mapping::parse(line)
}

/// A source path without what is particular to the machine that built it.
pub fn trimmed_source_path(path: &str) -> &str {
    source_path::trimmed(path)
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
    let owner = attribute(&frames.iter().collect::<Vec<_>>());
    let names = [Qualify::Last, Qualify::Crate, Qualify::Whole].map(|qualify| owner.name(qualify));
    (names, owner.is_type())
}

fn function_info(name: &str, is_symbol: bool, file: Option<&str>) -> FunctionInfo {
    FunctionInfo::of(&Function { name: Some(Arc::from(name)), is_symbol, file: file.map(Arc::from) })
}
