//! The thread: waits, looks, decides.
