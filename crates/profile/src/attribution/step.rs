//! A frame of a stack, as attribution reads it.

use super::function::{FunctionInfo, Origin};

/// A function on a stack, and where it was left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'f> {
    pub(crate) info: &'f FunctionInfo,
    /// 1-based; 0 if unknown.
    pub(crate) line: u32,
}

/// The frames outside the call of Rust's allocation API, and whether there is such a call.
///
/// Inside of it is the allocator, and perhaps the service's own code that wraps it. The optimiser may merge the calls
/// of several inlined functions into one and lose who they were: then the API is not on the stack, and the next
/// frame's arguments say nothing about the allocation.
pub(crate) fn beyond_allocator<'s, 'f>(steps: &'s [Step<'f>]) -> (bool, &'s [Step<'f>]) {
    match steps.iter().rposition(|step| step.info.is_allocation_call()) {
        Some(call) => (true, &steps[call + 1..]),
        None => {
            let inside = steps.iter().take_while(|step| step.info.origin == Origin::Allocator).count();
            (false, &steps[inside..])
        }
    }
}
