//! Runs the actions of events.
