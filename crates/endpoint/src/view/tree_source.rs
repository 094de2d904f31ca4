//! The profiles behind a call tree.

use memory_debug_core::{Leaf, RowId, Selection, SnapshotInfo, Snapshots, SymbolizedProfile, Work};
use memory_debug_tree::{CallTree, TreeOptions};

use super::fit::comparison;
use super::page_request::Material;
use super::samples::earlier_profile;
use crate::reply::Problem;
use crate::request::{Base, Query};

/// The parameters of a call tree, whatever its size and format.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TreeSource {
    pub(super) leaf: Leaf,
    selection: Selection,
    /// The snapshot to compare with.
    pub(super) base: Option<Base>,
    /// The only row of the table whose stacks count.
    pub(super) row: Option<RowId>,
}

/// The profiles that a call tree is made of.
pub(super) struct TreeProfiles {
    options: TreeOptions,
    now: SymbolizedProfile,
    earlier: Option<SymbolizedProfile>,
    /// The snapshot with the earlier profile.
    pub(super) base: Option<SnapshotInfo>,
}

impl TreeSource {
    /// Reads `by`, `focus`, `ignore`, `base` and `type`.
    pub(super) fn read(query: &mut Query) -> Self {
        let leaf = query.one_of("by", &[("function", Leaf::Function), ("type", Leaf::Type)]);
        let row =
            query.read("type", |id| id.parse().map_err(|_| "must be the id of a row of /types".to_owned()));
        Self { leaf: leaf.unwrap_or_default(), selection: query.selection(), base: Base::read(query), row }
    }

    /// The stacks of `profile` that count.
    pub(super) fn part(&self, profile: SymbolizedProfile) -> SymbolizedProfile {
        match self.row {
            Some(row) => profile.of_row(row),
            None => profile,
        }
    }

    pub(super) fn profiles(&self, material: Material<'_>) -> Result<TreeProfiles, Problem> {
        let earlier = self.base.map(|base| earlier_profile(base, material)).transpose()?;
        let (base, earlier) =
            earlier.map(|(base, profile)| (base.info().clone(), self.part(profile))).unzip();
        let mut options = TreeOptions::default();
        options.shows_types = self.leaf == Leaf::Type;
        options.selection = self.selection.clone();
        Ok(TreeProfiles { options, now: self.part(material.profile()?), earlier, base })
    }

    pub(super) fn work(&self, snapshots: &Snapshots) -> Work {
        if self.base.is_some() { comparison(snapshots) } else { Work::Profile }
    }
}

impl TreeProfiles {
    /// The call tree with at most `nodes` nodes.
    pub(super) fn tree(&self, nodes: usize) -> CallTree<'_> {
        let mut options = self.options.clone();
        options.nodes = nodes;
        CallTree::of(self.earlier.as_ref(), &self.now, &options)
    }
}
