//! What the application itself knows about its tasks, such as trees of awaits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use memory_debug_core::{TaskNode, TaskSourceReport};

/// The most nodes of a source in a report.
const MAX_NODES: usize = 1_000;

/// The most sources.
const MAX_SOURCES: usize = 16;

type Read = Arc<dyn Fn() -> Vec<TaskNode> + Send + Sync>;

static SOURCES: Mutex<Vec<(String, Read)>> = Mutex::new(Vec::new());

/// Adds a source to the page of tasks. Each request for the page calls `read` once.
///
/// `read` returns its nodes in preorder: each node is followed by the nodes below it. A panic of `read` is caught, and the
/// page says so. A source with the same name is replaced, and more than 16 sources are not added.
///
/// ```
/// use memory_debug_monitor::{TaskNode, add_task_source};
///
/// // With the crate await-tree: one node for each span of `registry.collect_all()`.
/// add_task_source("await-tree", || vec![TaskNode::new(0, "actor 7"), TaskNode::new(1, "fetch")]);
/// ```
pub fn add_task_source(name: impl Into<String>, read: impl Fn() -> Vec<TaskNode> + Send + Sync + 'static) {
    let (name, read): (String, Read) = (name.into(), Arc::new(read));
    let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = sources.iter_mut().find(|(known, _)| *known == name) {
        *known = read;
    } else if sources.len() < MAX_SOURCES {
        sources.push((name, read));
    }
}

/// What all sources know now.
pub(super) fn reports() -> Vec<TaskSourceReport> {
    // Not read under the lock, which a source might need itself.
    let sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    sources.into_iter().map(|(name, read)| report(name, &read)).collect()
}

fn report(name: String, read: &Read) -> TaskSourceReport {
    let mut report = TaskSourceReport::default();
    report.name = name;
    match catch_unwind(AssertUnwindSafe(|| read())) {
        Ok(mut nodes) => {
            report.omitted = nodes.len().saturating_sub(MAX_NODES) as u64;
            nodes.truncate(MAX_NODES);
            report.nodes = nodes;
        }
        Err(_) => report.failed = Some("the source panicked".into()),
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_bounded_and_its_panic_is_caught() {
        let many: Read = Arc::new(|| vec![TaskNode::new(0, "a"); MAX_NODES + 7]);
        let bounded = report("many".into(), &many);
        assert_eq!((bounded.nodes.len(), bounded.omitted, bounded.failed), (MAX_NODES, 7, None));
        let panics: Read = Arc::new(|| panic!("of the application"));
        let failed = report("panics".into(), &panics);
        assert_eq!((failed.nodes.len(), failed.failed.as_deref()), (0, Some("the source panicked")));
    }

    #[test]
    fn a_source_with_the_same_name_is_replaced() {
        add_task_source("twice", || vec![TaskNode::new(0, "old")]);
        add_task_source("twice", || vec![TaskNode::new(0, "new")]);
        let reports = reports();
        let found: Vec<_> = reports.iter().filter(|report| report.name == "twice").collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].nodes, [TaskNode::new(0, "new")]);
    }
}
