//! What registered roots retain, as plain values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The registered roots, measured by visiting every value that they own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct RootSummary {
    /// In the order of registration, which is the order of the visit.
    pub rows: Vec<RootRow>,
    /// Roots that were registered when there were 64 already, and are not here.
    pub refused: u64,
    /// How long the visit took, all roots together.
    pub duration_us: u64,
}

/// One root: a value that the service named, and all that it owns.
///
/// Bytes are those that the types state (`size_of`, capacities), without what the allocator adds to round them up. A
/// value behind an `Arc` is counted once, by the first root that reaches it; a root within a root by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct RootRow {
    /// The name given at registration, with ` #2` and so on where it was taken.
    pub name: String,
    /// The type as a person would write it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The type with all its paths.
    pub full_type: String,
    /// The root itself and what it owns. `None` if it could not be visited: `unavailable` says why, under
    /// `roots.NAME`.
    pub retained_bytes: Option<u64>,
    /// What `retained_bytes` lacks, one sentence each; it is a lower bound then. Empty: it lacks nothing.
    pub not_counted: Vec<String>,
    /// By the name of another root, how many `Arc`s of this one point to what was counted there.
    pub counted_elsewhere: BTreeMap<String, u64>,
    /// The parts with the most bytes, largest first. Together with `omitted_bytes` they are `retained_bytes`.
    pub fields: Vec<FieldRow>,
    /// Number of parts left out, here or by `top`.
    pub omitted_fields: u64,
    /// Bytes of the parts left out.
    pub omitted_bytes: u64,
}

/// One part of a root: all values at one path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct FieldRow {
    /// Names of fields from the root on: `by_id.value.cart`. Elements are `item`, entries of maps `key` and `value`.
    /// Empty is the root itself. A type that contains itself is one part, however deep it is nested.
    pub field: String,
    /// Type of the value there, as a person would write it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The type with all its paths.
    pub full_type: String,
    /// Number of values there.
    pub values: u64,
    /// Their bytes and those of the memory they own directly, such as a vector's spare capacity, without the parts
    /// below.
    pub bytes: u64,
    /// Whether it is behind an `Arc`, so that others may hold it too.
    pub shared: bool,
}

impl RootRow {
    /// Whether the visit left nothing out.
    pub fn is_complete(&self) -> bool {
        self.retained_bytes.is_some() && self.not_counted.is_empty()
    }

    /// The row with at most `top` parts; what is cut is counted as omitted.
    #[must_use]
    pub fn cut(mut self, top: usize) -> Self {
        let cut = self.fields.split_off(top.min(self.fields.len()));
        self.omitted_fields = self.omitted_fields.saturating_add(cut.len() as u64);
        let bytes = cut.iter().fold(0, |sum: u64, field| sum.saturating_add(field.bytes));
        self.omitted_bytes = self.omitted_bytes.saturating_add(bytes);
        self
    }
}
