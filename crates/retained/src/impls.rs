//! Implementations for the standard library.

mod collections;
mod leaves;
mod locks;
mod pointers;
