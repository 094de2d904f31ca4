//! A running monitor.
