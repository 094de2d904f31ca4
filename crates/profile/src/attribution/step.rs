//! A frame of a stack, as attribution reads it.

use super::function::{FunctionInfo, Origin};

/// A function on a stack, and the line that runs in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'f> {
    pub(crate) info: &'f FunctionInfo,
    /// 1-based; 0 if unknown.
    pub(crate) line: u32,
}

/// The frames outside of the call to Rust's allocation API, and whether there is such a call.
///
/// Inside of the call are the allocator, and perhaps the service's own code that wraps it. The optimizer can merge
/// the calls of several inlined functions into one and lose their names. Then the API is not on the stack, and the
/// arguments of the next frame say nothing about the allocation.
pub(crate) fn beyond_allocator<'s, 'f>(steps: &'s [Step<'f>]) -> (bool, &'s [Step<'f>]) {
    match steps.iter().rposition(|step| step.info.is_allocation_call()) {
        Some(call) => (true, &steps[call + 1..]),
        None => {
            let inside = steps.iter().take_while(|step| step.info.origin == Origin::Allocator).count();
            (false, &steps[inside..])
        }
    }
}
