//! The interface of a page: its request, its sources and its answer.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::{Collected, Snapshots, Work};
use memory_debug_fleet::Neighbours;

use super::asked_fleet::AskedFleet;
use super::comparable::Comparable;
use super::kind::Kind;
use super::made_scan::MadeScan;
use crate::auth::Authorized;
use crate::collect::Collect;
use crate::html::{self, Site};
use crate::reply::{Format, Problem, Reply};

/// A request for one page, with its parameters. Equal requests that arrive together share one answer.
///
/// Each page has its own type in its own file, and one row in the table of routes.
pub(crate) trait PageRequest: Comparable + fmt::Debug + Send + Sync {
    /// Does the requested work and writes the reply. Takes a while, so only the collecting thread calls it.
    ///
    /// # Errors
    ///
    /// If the page cannot be written, for example without a heap profile.
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem>;

    /// The reply to a browser, if the page needs neither a collection nor other work. The default is that it does.
    fn at_once(&self, _site: &Site) -> Option<Reply> {
        None
    }

    /// The work that takes memory when the page is written.
    ///
    /// `None` if the work takes almost no memory. Also `None` if the work frees memory, because it must be possible
    /// when no memory is left.
    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        None
    }

    /// The kind of work. A page overrides it if a parameter changes the kind in its row of the table of routes.
    fn kind(&self, default: Kind) -> Kind {
        default
    }

    /// Whether the page names types. A page overrides it if a parameter changes the value in its row.
    fn names_types(&self, default: bool) -> bool {
        default
    }

    /// The two steps of a page that shows growth. `None` for all other pages.
    fn watch(&self) -> Option<Watch> {
        None
    }
}

/// The two requests of a page that shows growth: `begin` first, and `end` after `span`.
pub(crate) struct Watch {
    pub(crate) span: Duration,
    pub(crate) begin: Arc<dyn PageRequest>,
    pub(crate) end: Arc<dyn PageRequest>,
}

impl PartialEq for dyn PageRequest {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other as &dyn Any)
    }
}

/// A page request and the form of its answer. Equal requests share one rendering.
#[derive(Clone, Debug)]
pub(crate) struct RenderRequest {
    pub(crate) page: Arc<dyn PageRequest>,
    pub(crate) kind: Kind,
    pub(crate) format: Format,
    /// Whether to collect even if too little memory may be left.
    pub(crate) force: bool,
    /// Whether the reader may see the name of the host.
    pub(crate) shows_host: bool,
    /// The place of a page for browsers. `None` for all other formats.
    pub(crate) site: Option<Site>,
}

impl PartialEq for RenderRequest {
    fn eq(&self, other: &Self) -> bool {
        let Self { page, kind, format, force, shows_host, site } = self;
        **page == *other.page
            && (*kind, *format) == (other.kind, other.format)
            && (*force, *shows_host, site) == (other.force, other.shows_host, &other.site)
    }
}

impl RenderRequest {
    /// The reply that sends a browser to the page at `target` after a change. `None` for all other clients.
    pub(crate) fn see_other(&self, target: &str) -> Option<Reply> {
        self.site.as_ref().map(|site| Reply::see_other(html::link(site, target)))
    }

    /// A request for another page of the same kind, in the same format.
    pub(crate) fn for_page(&self, page: Arc<dyn PageRequest>) -> Self {
        Self { page, ..self.clone() }
    }
}

/// A page of this process that is being written.
pub(crate) type PendingPage = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// The sources of a page.
#[derive(Clone, Copy)]
pub(crate) struct Material<'a> {
    /// The report. `None` if no page of this kind needs one.
    pub(crate) collected: Option<&'a Collected>,
    /// The collector of the report.
    pub(crate) collect: &'a dyn Collect,
    pub(crate) snapshots: &'a Snapshots,
    /// Maximum length of a body.
    pub(crate) max_bytes: usize,
    /// The time that requests wait for their pages.
    pub(crate) deadline: Duration,
    /// The processes that the page may ask. `None` for all pages except the fleet.
    pub(crate) neighbours: Option<&'a dyn Neighbours>,
    /// A function that starts writing another page of this process.
    pub(crate) own: &'a dyn Fn(RenderRequest, &Authorized) -> Result<PendingPage, Problem>,
    /// The fleets that earlier pages of the same run have asked.
    pub(crate) fleets: &'a RefCell<Vec<AskedFleet>>,
    /// The scans that earlier pages of the same run, or of the run before, have made.
    pub(crate) scans: &'a RefCell<Vec<MadeScan>>,
}
