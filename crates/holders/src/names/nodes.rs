//! Names nodes of containers that consist of many equal objects: trees, lists and channels.
//!
//! Few of their nodes are sampled, often only one. The type's name shows what a node holds, so one sample is enough if an
//! object of its size hangs on the same root and holds what the name mentions.

use std::collections::{BTreeMap, BTreeSet};

use super::Evidence;
use super::votes::mentions;
use crate::objects::{Name, Names, Objects};

/// Beginnings of the names of such containers.
const CONTAINERS: &[&str] =
    &["BTreeMap<", "BTreeSet<", "LinkedList<", "SegQueue<", "crossbeam::channel<", "mpsc::channel<"];

/// Beginnings of the names of trees.
const TREES: &[&str] = &["BTreeMap<", "BTreeSet<"];

/// An inner node of a B-tree has twelve pointers that a leaf does not have (`CAPACITY + 1` in `btree/node.rs` of std). The
/// size classes of both are at most twice this apart.
const INNER_BYTES: u64 = 12 * 8;

/// The sampled nodes of one container below one root.
#[derive(Clone, Copy, Debug)]
struct Sampled {
    type_index: u32,
    least_bytes: u64,
    most_bytes: u64,
    is_tree: bool,
}

impl Sampled {
    fn fits(&self, bytes: u64) -> bool {
        let more = if self.is_tree { 2 * INNER_BYTES } else { 0 };
        (self.least_bytes.saturating_sub(more)..=self.most_bytes.saturating_add(more)).contains(&bytes)
    }
}

/// Names unnamed objects in chains. An object with several possible names stays without one.
pub(super) fn name_nodes(evidence: &Evidence<'_>, objects: &mut Objects, names: &Names) {
    let containers = containers(evidence, names);
    let mut refused: BTreeSet<u32> = BTreeSet::new();
    for (at, chains) in evidence.chains.iter().enumerate() {
        let Some(type_of_sample) = evidence.type_of(at as u32) else { continue };
        for chain in chains.iter().filter(|chain| !chain.doubtful) {
            let root = evidence.roots.get(chain.root_word).and_then(|root| containers.get(root));
            let mut held = Some(type_of_sample);
            for index in &chain.objects {
                let Some(object) = objects.list.get_mut(*index as usize) else { break };
                if object.name.is_none()
                    && let (Some(sampled), Some(held)) = (root, held)
                    && !refused.contains(index)
                {
                    let mut found = sampled.iter().filter(|sampled| {
                        let is_node = sampled.type_index == held;
                        sampled.fits(object.bytes)
                            && (is_node || mentions(names.get(sampled.type_index), names.get(held)))
                    });
                    match (found.next(), found.next()) {
                        (Some(only), None) => {
                            object.name = Some(Name { index: only.type_index, inferred: true });
                        }
                        (Some(_), Some(_)) => {
                            refused.insert(*index);
                        }
                        (None, _) => {}
                    }
                }
                held = object.name.map(|name| name.index);
            }
        }
    }
}

/// For each root the containers whose sampled nodes hang on it.
fn containers(evidence: &Evidence<'_>, names: &Names) -> BTreeMap<u32, Vec<Sampled>> {
    let begins = |name: &str, with: &[&str]| with.iter().any(|begin| name.starts_with(begin));
    let mut found: BTreeMap<u32, BTreeMap<u32, Sampled>> = BTreeMap::new();
    for (object, chains) in evidence.input.samples.iter().zip(evidence.chains) {
        let name = names.get(object.type_index);
        if !begins(name, CONTAINERS) {
            continue;
        }
        let bytes = object.sample.usable;
        for root in chains.iter().filter_map(|chain| evidence.roots.get(chain.root_word)) {
            let sampled = found.entry(*root).or_default().entry(object.type_index).or_insert(Sampled {
                type_index: object.type_index,
                least_bytes: bytes,
                most_bytes: bytes,
                is_tree: begins(name, TREES),
            });
            sampled.least_bytes = sampled.least_bytes.min(bytes);
            sampled.most_bytes = sampled.most_bytes.max(bytes);
        }
    }
    found.into_iter().map(|(root, types)| (root, types.into_values().collect())).collect()
}
