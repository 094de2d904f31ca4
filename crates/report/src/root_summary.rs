//! Memory that registered roots retain, as plain values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The registered roots, measured by visiting every value that they own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct RootSummary {
    /// The roots in the order of registration, in which they are visited.
    pub rows: Vec<RootRow>,
    /// Number of roots that were registered beyond the limit of 64. They are not in `rows`.
    pub refused: u64,
    /// How long the visit of all roots took.
    pub duration_us: u64,
}

/// One root: a value that the service named, with everything that it owns.
///
/// Bytes are the sizes that the types state (`size_of`, capacities), without the allocator's rounding. A value behind
/// an `Arc` is counted once, by the first root that reaches it. A root inside another root is counted by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct RootRow {
    /// Name given at registration, with a suffix such as ` #2` if the name was taken.
    pub name: String,
    /// The type as a programmer would write it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The type with all its paths.
    pub full_type: String,
    /// Size of the root and of what it owns. `None` if it could not be visited; `unavailable` says why under
    /// `roots.NAME`.
    pub retained_bytes: Option<u64>,
    /// What `retained_bytes` does not include, one sentence each. If the list is not empty, `retained_bytes` is a
    /// lower bound.
    pub not_counted: Vec<String>,
    /// Number of `Arc`s in this root that point to values counted in another root, by that root's name.
    pub counted_elsewhere: BTreeMap<String, u64>,
    /// The parts with the most bytes, largest first. Their bytes and `omitted_bytes` add up to `retained_bytes`.
    pub fields: Vec<FieldRow>,
    /// Number of parts omitted, here or by `top`.
    pub omitted_fields: u64,
    /// Bytes of the omitted parts.
    pub omitted_bytes: u64,
}

/// One part of a root: all values at one path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct FieldRow {
    /// Names of the fields from the root on: `by_id.value.cart`. Elements are `item`, entries of maps `key` and
    /// `value`. Empty for the root itself. A type that contains itself is one part, however deeply it is nested.
    pub field: String,
    /// Type of the value, as a programmer would write it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The type with all its paths.
    pub full_type: String,
    /// Number of values at the path.
    pub values: u64,
    /// Bytes of the values and of memory that they own directly, such as a vector's spare capacity, without the parts
    /// below.
    pub bytes: u64,
    /// Whether the value is behind an `Arc`, so that others may hold it, too.
    pub shared: bool,
}

impl RootRow {
    /// Whether the visit covered everything.
    pub fn is_complete(&self) -> bool {
        self.retained_bytes.is_some() && self.not_counted.is_empty()
    }

    /// Keeps at most `top` parts and counts the others as omitted.
    #[must_use]
    pub fn cut(mut self, top: usize) -> Self {
        let cut = self.fields.split_off(top.min(self.fields.len()));
        self.omitted_fields = self.omitted_fields.saturating_add(cut.len() as u64);
        let bytes = cut.iter().fold(0, |sum: u64, field| sum.saturating_add(field.bytes));
        self.omitted_bytes = self.omitted_bytes.saturating_add(bytes);
        self
    }
}
