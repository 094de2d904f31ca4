//! `/heap/tree`: the heap profile as a call tree, for the flame graph viewer.

use std::sync::Arc;

use memory_debug_core::{Snapshots, Work};
use memory_debug_tree::{TreeOptions, write_json};

use super::fit::written;
use super::page_request::{Material, PageRequest, RenderRequest};
use super::tree_source::TreeSource;
use crate::auth::Authorized;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

/// Limits of the number of nodes that a request may ask for.
const FEWEST_NODES: usize = 1_000;
const MOST_NODES: usize = 20_000;

/// A request for the call tree as JSON.
#[derive(Debug, PartialEq)]
struct Tree {
    source: TreeSource,
    nodes: usize,
}

pub(crate) fn tree(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let query = &mut asking.query;
    let source = TreeSource::read(query);
    let nodes = query.read("nodes", |digits| {
        let is_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        let nodes = digits.parse().ok().filter(|nodes| (FEWEST_NODES..=MOST_NODES).contains(nodes));
        nodes
            .filter(|_| is_digits)
            .ok_or_else(|| format!("must be a number from {FEWEST_NODES} to {MOST_NODES}"))
    });
    Ok(Arc::new(Tree { source, nodes: nodes.unwrap_or(TreeOptions::default().nodes) }))
}

impl PageRequest for Tree {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let collected_at = &material.report()?.collected_at;
        let profiles = self.source.profiles(material)?;
        request.until_it_fits(
            self.nodes,
            |nodes| (nodes > 2).then_some(nodes / 2),
            material.max_bytes,
            |body, nodes| {
                let tree = profiles.tree(nodes);
                let base = profiles.base.as_ref();
                written(write_json(body, &tree, collected_at, material.notes(), base))
            },
        )
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        Some(self.source.work(snapshots))
    }
}
