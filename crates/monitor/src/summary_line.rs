//! A line for the log, from time to time.
