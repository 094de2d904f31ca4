//! `/heap/flamegraph`: the heap profile as a picture.

#[cfg(not(feature = "flamegraph"))]
mod disabled;
#[cfg(feature = "flamegraph")]
mod enabled;

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{Count, Snapshots, Work};
use memory_debug_tree::TreeOptions;

#[cfg(not(feature = "flamegraph"))]
use self::disabled::draw;
#[cfg(feature = "flamegraph")]
use self::enabled::draw;
use super::fit::{half, written};
use super::page_request::{Material, PageRequest, RenderRequest};
use super::tree_source::TreeSource;
use crate::auth::Authorized;
use crate::html::{self, GraphSource, Site};
use crate::reply::{Problem, Reply};
use crate::request::Asking;

/// A request for a flame graph. With a base, colours show the growth since.
#[derive(Debug, PartialEq)]
struct Flamegraph {
    source: TreeSource,
    count: Count,
    view: View,
}

/// The form of the answer to a browser. All other clients get the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum View {
    /// A page whose script draws the call tree.
    #[default]
    Graph,
    /// The call tree as nested lists.
    Tree,
}

pub(crate) fn flamegraph(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let query = &mut asking.query;
    let source = TreeSource::read(query);
    let count = query.one_of("count", &[("bytes", Count::Bytes), ("objects", Count::Objects)]);
    let view = query.one_of("view", &[("graph", View::Graph), ("tree", View::Tree)]);
    Ok(Arc::new(Flamegraph { source, count: count.unwrap_or_default(), view: view.unwrap_or_default() }))
}

impl PageRequest for Flamegraph {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        match &request.site {
            Some(site) => self.call_tree(request, site, material),
            None => draw(request, &self.source, self.count, material),
        }
    }

    fn at_once(&self, site: &Site) -> Option<Reply> {
        (self.view == View::Graph).then(|| Reply::flame_graph(html::flame_graph(site, &self.for_links())))
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        Some(self.source.work(snapshots))
    }
}

impl Flamegraph {
    /// The memory that links of the page lead to.
    fn for_links(&self) -> GraphSource {
        html::graph_source(self.source.base.map(|base| base.to_string()), self.source.row)
    }

    /// Writes the call tree as a page. If it does not fit, more of its nodes are summed.
    fn call_tree(
        &self,
        request: &RenderRequest,
        site: &Site,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let mut report = material.report()?.clone();
        request.hide_host(&mut report.instance, None);
        let profiles = self.source.profiles(material)?;
        request.until_it_fits(TreeOptions::default().nodes, half, material.max_bytes, |body, nodes| {
            let page = html::call_tree(site, &report, &profiles.tree(nodes), &self.for_links());
            written(body.write_str(&page))
        })
    }
}
