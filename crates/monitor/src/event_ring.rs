//! The latest events.
