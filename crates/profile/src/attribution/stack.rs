//! Attribution of one stack.

use super::function::{FunctionInfo, Origin};
use super::place;
use super::rules::{self, Inner};
use super::step::{Step, beyond_allocator};
use crate::type_name::{Qualify, ReadableNames};

/// The result of attributing a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribution {
    /// A type as the frames name it and, for bytes, the function that asked for them.
    Type(String, Option<String>),
    /// The function that allocated memory of unknown type.
    Function(String),
}

/// Types that say nothing beyond "bytes". Every program has some, so their rows also name the function that asked.
const BYTES: &[&str] = &["Vec<u8>", "Box<[u8]>", "arrow_buffer::Buffer"];

impl Attribution {
    fn of_type(full_type: String, steps: &[Step<'_>], names: &mut ReadableNames) -> Self {
        let says_little = BYTES.contains(&&*names.of(&full_type, Qualify::Whole));
        let asked_by = if says_little { place::asked_by(steps) } else { None };
        Self::Type(full_type, asked_by)
    }

    pub(crate) fn is_type(&self) -> bool {
        matches!(self, Self::Type(..))
    }

    /// The name of the row: the type (with the function, for bytes) or the function.
    pub(crate) fn name(&self, qualify: Qualify, names: &mut ReadableNames) -> String {
        let name = self.type_or_function(qualify, names);
        match self {
            Self::Type(_, Some(function)) => format!("{name} in {function}"),
            Self::Type(_, None) | Self::Function(_) => name,
        }
    }

    /// The type alone, or the function.
    pub(crate) fn type_or_function(&self, qualify: Qualify, names: &mut ReadableNames) -> String {
        match self {
            Self::Type(full_type, _) => names.of(full_type, qualify).as_ref().to_owned(),
            Self::Function(name) => name.clone(),
        }
    }
}

/// Finds the owner of an allocation from its frames, innermost first.
pub(crate) fn attribute(steps: &[Step<'_>], names: &mut ReadableNames) -> Attribution {
    let (asked_by_rust, outside) = beyond_allocator(steps);
    let mut inner = Inner::Nothing;
    let mut general = None;
    for Step { info: frame, .. } in outside {
        match frame.origin {
            Origin::Std | Origin::Dependency => {}
            // The service's own code holds the owner in a variable, so the chain of containers ends. Beyond foreign
            // code, nothing is known about its allocations.
            Origin::Service | Origin::Foreign | Origin::Unloaded | Origin::Unknown => break,
            Origin::Allocator => continue,
        }
        if let Some(known) = inner.after(frame) {
            inner = known;
        } else if !inner.continues_through(frame) {
            let is_of_unknown_container = frame.origin == Origin::Dependency && !rules::is_in_table(frame);
            if inner == Inner::Nothing && asked_by_rust && is_of_unknown_container {
                general = general_owner(frame);
            }
            break;
        }
    }
    let owner = match inner {
        Inner::Found(owner) => Some(owner.full_type),
        Inner::Nothing | Inner::Lost(_) => general,
    };
    match owner {
        Some(full_type) => Attribution::of_type(full_type, steps, names),
        None => Attribution::Function(place::asked_by(steps).unwrap_or_else(|| "unknown code".to_owned())),
    }
}

/// Generic arguments that are not data: code, and iterators over data.
const NO_DATA: &[&str] =
    &["core::iter::", "core::ops::", "core::slice::iter::", "core::str::iter::", "alloc::vec::into_iter::"];

/// The rule for crates without a row: the first generic argument that is a type of data. The crate stands for the
/// container: `slab<app::Session>`. A crate's own type is probably a marker that selects code, and a number is
/// something to calculate with. Neither names a type.
fn general_owner(frame: &FunctionInfo) -> Option<String> {
    let crate_name = frame.module.split("::").next()?;
    let is_own =
        |argument: &str| argument.strip_prefix(crate_name).is_some_and(|rest| rest.starts_with("::"));
    let data = frame.arguments.iter().find(|argument| {
        argument.contains("::")
            && !is_own(argument)
            && !rules::is_allocator_argument(argument)
            && !argument.contains("{closure_env#")
            && !NO_DATA.iter().any(|path| argument.starts_with(path))
    })?;
    Some(format!("{crate_name}<{data}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_rule_ignores_numbers_markers_and_code() {
        for (arguments, expected) in [
            (&["app::Session"][..], Some("columns<app::Session>")),
            (&["16", "(u64, alloc::string::String)"], Some("columns<(u64, alloc::string::String)>")),
            (&["alloc::alloc::Global", "app::Session"], Some("columns<app::Session>")),
            (&["i32"], None),
            (&["columns::types::StringType<i32>"], None),
            (&["columns_of::Session"], Some("columns<columns_of::Session>")),
            (&["core::iter::adapters::map::Map<core::slice::iter::Iter<app::Session>, F>"], None),
            (&["app::run::{closure_env#0}"], None),
            (&[], None),
        ] {
            let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            let (module, name) = ("columns::builder".to_owned(), "append".to_owned());
            let frame = FunctionInfo { origin: Origin::Dependency, module, name, arguments, first_line: 0 };
            assert_eq!(general_owner(&frame).as_deref(), expected);
        }
    }
}
