//! Limits in bytes or in percent.
