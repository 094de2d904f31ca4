//! `/heap/flamegraph`: the heap profile as a picture.

#[cfg(not(feature = "flamegraph"))]
mod disabled;
#[cfg(feature = "flamegraph")]
mod enabled;

use std::sync::Arc;

use memory_debug_core::{Count, Leaf, Snapshots, Work};

#[cfg(not(feature = "flamegraph"))]
use self::disabled::draw;
#[cfg(feature = "flamegraph")]
use self::enabled::draw;
use super::fit::comparison;
use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::reply::{Problem, Reply};
use crate::request::{Asking, Base};

/// A request for a flame graph.
#[derive(Debug, PartialEq)]
struct Flamegraph {
    leaf: Leaf,
    count: Count,
    /// The snapshot to compare with. Colours then show the growth since.
    base: Option<Base>,
}

pub(crate) fn flamegraph(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let query = &mut asking.query;
    let leaf = query.one_of("by", &[("function", Leaf::Function), ("type", Leaf::Type)]);
    let count = query.one_of("count", &[("bytes", Count::Bytes), ("objects", Count::Objects)]);
    Ok(Arc::new(Flamegraph {
        leaf: leaf.unwrap_or_default(),
        count: count.unwrap_or_default(),
        base: Base::read(query),
    }))
}

impl PageRequest for Flamegraph {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let Self { leaf, count, base } = *self;
        draw(request, leaf, count, base, material)
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        Some(if self.base.is_some() { comparison(snapshots) } else { Work::Profile })
    }
}
