//! Errors of starting.
