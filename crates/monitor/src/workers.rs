//! Blocked workers of a runtime.
