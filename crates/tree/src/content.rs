//! The text of a node. All texts are printable.

use memory_debug_report::units::{Bytes, count, percent, printable, short_name};

use crate::call_tree::{CallLabel, CallNode};

/// The name of a type that is not known.
pub(crate) const UNATTRIBUTED: &str = "unattributed";

/// The name of a node, and the line of code if it is known.
pub fn label(label: CallLabel<'_>) -> (String, Option<String>) {
    match label {
        CallLabel::Function(frame) => {
            let place = frame.file.map(|file| match frame.line {
                0 => printable(file),
                line => format!("{}:{line}", printable(file)),
            });
            (short_name(frame.function), place)
        }
        CallLabel::Type(name) => (format!("[{}]", short_name(name.unwrap_or(UNATTRIBUTED))), None),
        CallLabel::Smaller(count) => (format!("({count} smaller)"), None),
        CallLabel::Root => ("all".to_owned(), None),
    }
}

/// Bytes, their error, objects, and the share of `total` bytes.
pub fn cells(node: &CallNode<'_>, total: i64) -> [String; 4] {
    let bytes = node.live.bytes;
    let share = percent(bytes as f64, total as f64);
    [
        Bytes(bytes.unsigned_abs()).to_string(),
        format!("± {}", Bytes(node.bytes_stderr.round() as u64)),
        count(node.live.objects.unsigned_abs()),
        share.map_or_else(|| "–".to_owned(), |share| format!("{share:.1} %")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_tree::{CallTree, TreeOptions};
    use crate::sample::profile;

    #[test]
    fn s64_the_text_of_a_node_is_printable() {
        let profile = profile(1, &[(&["push"], 1, 1)]);
        let tree = CallTree::of(None, &profile, &TreeOptions::default());
        let CallLabel::Function(mut frame) = tree.nodes[1].label else { panic!("{tree:?}") };
        (frame.function, frame.file, frame.line) = ("pu\u{202e}sh", Some("a\u{1b}.rs"), 7);
        let place = Some("a\\u{1b}.rs:7".to_owned());
        assert_eq!(label(CallLabel::Function(frame)), ("pu\\u{202e}sh".to_owned(), place));
        frame.line = 0;
        assert_eq!(label(CallLabel::Function(frame)).1.as_deref(), Some("a\\u{1b}.rs"));
        assert_eq!(label(CallLabel::Type(None)).0, "[unattributed]");
        assert_eq!(label(CallLabel::Smaller(12)).0, "(12 smaller)");
    }

    #[test]
    fn a_cell_has_its_unit_and_its_share() {
        let profile = profile(1, &[(&["push"], 2, 2048)]);
        let tree = CallTree::of(None, &profile, &TreeOptions::default());
        assert_eq!(cells(&tree.nodes[1], 4096), ["2.00 KiB", "± 0 B", "2", "50.0 %"]);
        assert_eq!(cells(&tree.nodes[1], 0)[3], "–");
    }
}
