//! Who asked, what was decided and what it cost: one event for each decision and each collection, through `tracing`.
//!
//! Events name the user only once the password was right, for people type passwords into the wrong field. They never
//! hold a header, a query or a password, and what a client sent stands in them in printable ASCII.

#[cfg(not(feature = "tracing"))]
mod disabled;
#[cfg(feature = "tracing")]
mod enabled;

#[cfg(not(feature = "tracing"))]
pub(crate) use self::disabled::*;
#[cfg(feature = "tracing")]
pub(crate) use self::enabled::*;
