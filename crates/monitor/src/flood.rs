//! How many events may be sent.
