//! Renders the list of snapshots as text.

use std::fmt::{self, Display, Write};

use super::change::Moment;
use crate::samples::SampleOrigin;
use crate::snapshot::SnapshotInfo;
use crate::units::{Bytes, count, printable};

/// Writes one line per snapshot, in the order given. Snapshots with the same samples can be compared.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_snapshots_text(out: &mut dyn Write, snapshots: &[SnapshotInfo]) -> fmt::Result {
    if snapshots.is_empty() {
        return writeln!(out, "no snapshots; POST /snapshots takes one");
    }
    write_line(out, &HEADINGS)?;
    snapshots.iter().try_for_each(|snapshot| write_line(out, &cells(snapshot)))
}

fn write_line(
    out: &mut dyn Write,
    [id, taken_at, bytes, stacks, since, label]: &[impl Display; 6],
) -> fmt::Result {
    writeln!(out, "{id:<32} | {taken_at:<24} | {bytes:>11} | {stacks:>7} | {since:<24} | {label}")
}

/// The headings of [`cells`].
pub const HEADINGS: [&str; 6] = ["id", "taken", "sampled", "stacks", "samples since", "label"];

/// The cells of a snapshot: id, time, sampled bytes, stacks, since when its samples are complete, and label.
pub fn cells(snapshot: &SnapshotInfo) -> [String; 6] {
    let SnapshotInfo { id, taken_at, sampled_bytes, stacks, label, samples, .. } = snapshot;
    let since = samples.as_ref().map_or_else(|| "an unknown time".to_owned(), SampleOrigin::complete_since);
    let label = label.as_deref().map(printable).unwrap_or_default();
    [id.to_string(), taken_at.clone(), Bytes(*sampled_bytes).to_string(), count(*stacks), since, label]
}

/// A snapshot's time, with its label if it has one.
pub fn taken(info: &SnapshotInfo) -> String {
    match info.label {
        Some(_) => Moment(info).to_string(),
        None => printable(&info.taken_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::{empty, samples, with_samples};

    fn snapshots_text(snapshots: &[SnapshotInfo]) -> String {
        let mut text = String::new();
        write_snapshots_text(&mut text, snapshots).unwrap();
        text
    }

    #[test]
    fn s64_a_label_cannot_forge_lines() {
        let text = snapshots_text(&[empty(7, "before\n0000 | forged").info().clone()]);
        assert_eq!(text.lines().count(), 2, "{text}");
        let line = text.lines().last().unwrap();
        assert!(line.contains("1970-01-01T00:00:07.000Z |         0 B |       0 | 20"), "{line}");
        assert!(line.ends_with(" | before\\u{a}0000 | forged"), "{line}");
        let later = with_samples(&empty(7, "x"), Some(samples(1))).info().clone();
        let unknown = with_samples(&empty(7, "x"), None).info().clone();
        let text = snapshots_text(&[later, unknown]);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].ends_with(" | 2026-11-21T09:00:00.000Z | x"), "{text}");
        assert!(lines[2].ends_with(" | an unknown time          | x"), "{text}");
        assert!(snapshots_text(&[]).contains("no snapshots"));
    }
}
