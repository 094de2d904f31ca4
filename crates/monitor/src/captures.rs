//! What is captured, and when.
