//! The interface of a page.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::{Snapshots, Work};

use super::kind::Kind;
use super::material::Material;
use super::render_request::RenderRequest;
use crate::auth::Authorized;
use crate::reply::{Problem, Reply};

/// A request for one page, with its parameters. Equal requests that arrive together share one answer.
///
/// Each page has a type of its own, in a file of its own, and one row in the table of routes.
pub(crate) trait PageRequest: Comparable + fmt::Debug + Send + Sync {
    /// Does what the request asks and writes the reply. Takes a while, so only the collecting thread calls it.
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

    /// The work that takes memory when the page is written. `None` if it takes next to nothing, and for work that gives
    /// memory back, because that must be possible when no memory is left.
    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        None
    }

    /// The kind of work. Pages override it if a parameter changes the kind of their row in the table of routes.
    fn kind(&self, of_row: Kind) -> Kind {
        of_row
    }

    /// Whether the page names types. Pages override it if a parameter changes what their row says.
    fn names_types(&self, of_row: bool) -> bool {
        of_row
    }

    /// The two steps of a page that shows growth. `None` for all other pages.
    fn watch(&self) -> Option<Watch> {
        None
    }
}

/// A page that shows growth: one request begins it, and another one ends it after some time.
pub(crate) struct Watch {
    pub(crate) span: Duration,
    pub(crate) begin: Arc<dyn PageRequest>,
    pub(crate) end: Arc<dyn PageRequest>,
}

/// Comparison of values whose types may differ. Implemented for all types that can be compared with themselves.
pub(crate) trait Comparable: Any {
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: Any + PartialEq> Comparable for T {
    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }
}

impl PartialEq for dyn PageRequest {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other as &dyn Any)
    }
}
