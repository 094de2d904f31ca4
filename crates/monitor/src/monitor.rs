//! The settings, and the start.
