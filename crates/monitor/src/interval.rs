//! When to look next.
