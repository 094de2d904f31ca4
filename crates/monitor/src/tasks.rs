//! The known tasks.
