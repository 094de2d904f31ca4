//! Counts the time and the bytes of futures, spans and routes.

#![forbid(unsafe_code)]
