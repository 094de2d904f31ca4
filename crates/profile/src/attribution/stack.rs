//! From the frames of one stack to the type that owns the allocation.

use super::function::{FunctionInfo, Origin};
use super::rules::{self, Owner};
use crate::type_name::{Qualify, readable};

/// What a stack was attributed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attribution {
    /// A type, as the frames gave it.
    Type(String),
    /// The function that allocated something of unknown type.
    Function(String),
}

impl Attribution {
    pub(super) fn is_type(&self) -> bool {
        matches!(self, Self::Type(_))
    }

    pub(super) fn name(&self, qualify: Qualify) -> String {
        match self {
            Self::Type(full_type) => readable(full_type, qualify),
            Self::Function(name) => name.clone(),
        }
    }
}

/// The owner of an allocation, told by its frames, innermost first.
pub(super) fn attribute(frames: &[&FunctionInfo]) -> Attribution {
    let (asked_by_rust, outside) = beyond_allocator(frames);
    let mut owner: Option<Owner> = None;
    let mut general = None;
    // A layer of a container whose element is not known: whoever stands behind it is not the one to name it.
    let mut lost_element = false;
    for frame in outside {
        match (frame.origin, &owner) {
            (Origin::Std | Origin::Dependency, _) => {}
            // The service's own code holds the owner in a variable: the chain of containers ends. Behind code of
            // another language nothing is known of what it allocates.
            (Origin::Service | Origin::Foreign | Origin::Unknown, _) => break,
            (Origin::Allocator, _) => continue,
        }
        if let Some(outer) = Owner::of_frame(frame, owner.as_ref()) {
            owner = Some(outer);
        } else if let Some(owner) = &owner {
            if !owner.may_continue_through(frame) {
                break;
            }
        } else if Owner::knows(frame) {
            lost_element = true;
        } else if frame.origin == Origin::Dependency && asked_by_rust && !lost_element {
            general = general_owner(frame);
            if general.is_some() {
                break;
            }
        }
    }
    match owner.map(|owner| owner.full_type).or(general) {
        Some(full_type) => Attribution::Type(full_type),
        None => {
            let culprit = culprit(frames).map(|at| frames[at].label());
            Attribution::Function(culprit.unwrap_or_else(|| "unknown code".to_owned()))
        }
    }
}

/// The frames outside the call of Rust's allocation API, and whether there is such a call.
///
/// Inside of it is the allocator, and perhaps the service's own code that wraps it. The optimiser may merge the calls
/// of several inlined functions into one and lose who they were: then the API is not on the stack, and the next
/// frame's arguments say nothing about the allocation.
fn beyond_allocator<'s, 'f>(frames: &'s [&'f FunctionInfo]) -> (bool, &'s [&'f FunctionInfo]) {
    match frames.iter().rposition(|frame| frame.is_allocation_call()) {
        Some(call) => (true, &frames[call + 1..]),
        None => {
            let inside = frames.iter().take_while(|frame| frame.origin == Origin::Allocator).count();
            (false, &frames[inside..])
        }
    }
}

/// The frame that a person would call the place of the allocation: the innermost of the service's own, else the first
/// that is not a layer of `std`, else any.
pub(super) fn culprit(frames: &[&FunctionInfo]) -> Option<usize> {
    let outside = beyond_allocator(frames).1;
    let inside = frames.len() - outside.len();
    let by_origin = |wanted: fn(Origin) -> bool| outside.iter().position(|frame| wanted(frame.origin));
    by_origin(|origin| origin == Origin::Service)
        .or_else(|| by_origin(|origin| !matches!(origin, Origin::Std | Origin::Allocator)))
        .or_else(|| (!outside.is_empty()).then_some(0))
        .map(|at| inside + at)
}

/// The rule for crates nobody wrote a row for: the first generic argument that is a type of data. The crate stands
/// for the container: `slab<app::Session>`.
fn general_owner(frame: &FunctionInfo) -> Option<String> {
    let data = frame.arguments.iter().find(|argument| {
        !rules::is_allocator_argument(argument)
            && !argument.contains("{closure_env#")
            && !argument.starts_with(|c: char| c.is_ascii_digit())
    })?;
    let crate_name = frame.module.split("::").next()?;
    Some(format!("{crate_name}<{data}>"))
}
