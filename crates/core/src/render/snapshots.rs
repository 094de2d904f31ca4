//! The list of snapshots, as text.

use std::fmt::Write;

use crate::snapshot::SnapshotInfo;
use crate::units::{Bytes, count, visible};

/// A line for each snapshot, in the order given.
pub fn snapshots_text(snapshots: &[SnapshotInfo]) -> String {
    if snapshots.is_empty() {
        return "no snapshot is kept; POST /snapshots makes one\n".to_owned();
    }
    let mut text = format!("{:<32} | {:<24} | {:>11} | {:>7} | label\n", "id", "taken", "sampled", "stacks");
    for SnapshotInfo { id, taken_at, sampled_bytes, stacks, label, .. } in snapshots {
        let label = label.as_deref().map(visible).unwrap_or_default();
        let (bytes, stacks) = (Bytes(*sampled_bytes).to_string(), count(*stacks));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{id} | {taken_at:<24} | {bytes:>11} | {stacks:>7} | {label}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::empty;

    #[test]
    fn s64_a_label_cannot_forge_lines() {
        let text = snapshots_text(&[empty(7, "before\n0000 | forged").info().clone()]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            text.contains("1970-01-01T00:00:07.000Z |         0 B |       0 | before\\u{a}0000"),
            "{text}"
        );
        assert!(snapshots_text(&[]).contains("no snapshot is kept"));
    }
}
