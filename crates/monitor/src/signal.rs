//! Reports on a signal.
