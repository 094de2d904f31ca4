//! Audit events through `tracing`: one for each decision and each collection, with the client, the outcome
//! and the cost.
//!
//! Events name the user only after the password was right, because people type passwords into the wrong
//! field. They never contain a header, a query or a password. Text from clients is escaped to printable
//! ASCII.

#[cfg(not(feature = "tracing"))]
mod disabled;
#[cfg(feature = "tracing")]
mod enabled;

#[cfg(not(feature = "tracing"))]
pub(crate) use self::disabled::*;
#[cfg(feature = "tracing")]
pub(crate) use self::enabled::*;
