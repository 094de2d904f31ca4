//! The numbers of one look.
