//! Reads the numbers, and allocates nothing.
