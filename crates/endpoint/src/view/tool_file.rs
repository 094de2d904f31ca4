//! Files in the formats of other tools.

#[cfg(not(feature = "formats"))]
mod disabled;
#[cfg(feature = "formats")]
mod enabled;

#[cfg(not(feature = "formats"))]
pub(super) use self::disabled::{write, write_graph};
#[cfg(feature = "formats")]
pub(super) use self::enabled::{write, write_graph};
