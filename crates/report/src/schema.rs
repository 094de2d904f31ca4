//! The version of the wire format.

/// Name and version of the wire format: the value of [`MemoryReport::schema`](crate::MemoryReport::schema).
pub const SCHEMA: &str = "memory-debug/v1";
