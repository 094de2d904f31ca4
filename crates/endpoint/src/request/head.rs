//! What the head of a request says about the change in its body.

use memory_debug_core::TraceHandle;

use super::if_match::IfMatch;

/// The parts of a request's head that matter once its body has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The states that the change applies to.
    pub(crate) if_match: IfMatch,
    /// The tracer of this process, if the page shows one.
    pub(crate) tracer: Option<TraceHandle>,
}
