//! A trace as a call tree, for the formats of other tools.

use memory_debug_formats::{CallKind, CallNode, CallTree, Event, Unit};

use super::{Trace, TraceNode, TraceReport};

/// An event's name, meaning and unit, and the number of a node: its own, and with its callees.
type Column = (&'static str, &'static str, Unit, fn(&TraceNode) -> Option<(u64, u64)>);

const COLUMNS: [Column; 5] = [
    ("Total", "wall time of calls", Unit::Nanoseconds, |node| Some((node.own_total_ns, node.total_ns))),
    ("Busy", "time inside polls", Unit::Nanoseconds, |node| Some((node.own_busy_ns, node.busy_ns))),
    ("Idle", "wall time outside of polls", Unit::Nanoseconds, |node| {
        Some((node.own_total_ns.saturating_sub(node.own_busy_ns), node.idle_ns()))
    }),
    ("Allocated", "bytes allocated inside polls", Unit::Bytes, |node| {
        Some((node.own_allocated?, node.allocated?))
    }),
    ("Freed", "bytes freed inside polls", Unit::Bytes, |node| Some((node.own_freed?, node.freed?))),
];

impl TraceReport {
    /// The trace as a call tree with the events `Total`, `Busy`, `Idle`, `Allocated` and `Freed`. The last two are
    /// missing without jemalloc. The tree is empty if nothing was counted.
    pub fn call_tree(&self) -> CallTree {
        let service = self.instance.service.as_deref().unwrap_or("unnamed service");
        let title = format!("trace of {service}, pid {}, {}", self.instance.pid, self.reported_at);
        let nodes = self.trace.as_ref().map_or(&[][..], |trace| &trace.nodes);
        // A number that one node does not have would read 0 there.
        let is_known = |(.., number): &Column| nodes.iter().all(|node| number(node).is_some());
        let columns: Vec<Column> = COLUMNS.into_iter().filter(is_known).collect();
        let events =
            columns.iter().map(|(name, meaning, unit, _)| Event::new(*name, *meaning, *unit)).collect();
        let mut tree = CallTree { title, events, nodes: Vec::with_capacity(nodes.len()) };
        let parents = self.trace.as_ref().map_or_else(Vec::new, Trace::parents);
        for (node, parent) in nodes.iter().zip(parents) {
            let numbers = columns.iter().map(|(.., number)| number(node).unwrap_or_default());
            tree.nodes.push(CallNode {
                parent,
                kind: CallKind::Function,
                name: node.name.as_str().into(),
                file: node.file.as_deref().map(Into::into),
                line: node.line,
                calls: node.calls,
                own: numbers.clone().map(|(own, _)| signed(own)).collect(),
                inclusive: numbers.map(|(_, inclusive)| signed(inclusive)).collect(),
            });
        }
        tree
    }
}

/// Readers take signed numbers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InstanceId, InstanceInfo};

    fn node(depth: u64, name: &str, [own_total_ns, total_ns, busy_ns]: [u64; 3]) -> TraceNode {
        let (allocated, own_allocated) = (Some(busy_ns), Some(1));
        let name = name.to_owned();
        TraceNode {
            depth,
            name,
            calls: 1,
            own_total_ns,
            total_ns,
            busy_ns,
            own_busy_ns: busy_ns,
            allocated,
            own_allocated,
            ..TraceNode::default()
        }
    }

    #[test]
    fn a_trace_becomes_a_tree_of_its_numbers() {
        let instance = InstanceInfo::new(InstanceId::from_random([7; 16]), 9);
        let nodes = vec![
            node(0, "GET /", [10, 100, 40]),
            node(1, "load", [50, 50, 7]),
            node(2, "decode", [3, 3, 3]),
            node(1, "store", [60, 60, 0]),
            node(0, "GET /b", [1, 1, 1]),
        ];
        let trace = Trace { nodes, ..Trace::default() };
        let mut report = TraceReport::new(instance, "2026-11-20T12:12:00Z", trace);
        let tree = report.call_tree();
        assert_eq!(tree.title, "trace of unnamed service, pid 9, 2026-11-20T12:12:00Z");
        let parents: Vec<_> = tree.nodes.iter().map(|node| node.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(0), None]);
        let names: Vec<_> = tree.events.iter().map(|event| &*event.name).collect();
        assert_eq!(
            names,
            ["Total", "Busy", "Idle", "Allocated"],
            "a number that is missing is left out, not 0"
        );
        assert_eq!(
            (&tree.nodes[0].own[..], &tree.nodes[0].inclusive[..]),
            (&[10, 40, 0, 1][..], &[100, 40, 60, 40][..])
        );
        report.trace = None;
        assert_eq!(report.call_tree().nodes, []);
    }
}
