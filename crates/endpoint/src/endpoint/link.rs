//! Links from other sites, which users follow: from a runbook, a chat, or a page that wants to harm the service.

use super::Endpoint;
use crate::auth::{Authorized, Role};
use crate::html;
use crate::parts::RequestParts;
use crate::reply::{Format, Problem, Reply};
use crate::request::{link_query, negotiate_problem};
use crate::route::{Found, Operation};

impl Endpoint {
    /// The page that a user sees before the page of a link. It has no data and starts no collection, because another
    /// site chose the moment. `None` if the link may open its page at once: the overview, unless it names types that
    /// not every login may see.
    ///
    /// # Errors
    ///
    /// If the link does not lead to a page that a browser shows.
    pub(super) fn page_before_link(
        &self,
        parts: &RequestParts<'_>,
        accept: &[&[u8]],
        proof: &Authorized,
    ) -> Result<Option<Reply>, Problem> {
        let rest = self.base.below(parts.path).ok_or(Problem::CrossSite)?;
        let is_overview = rest.is_empty();
        if is_overview && self.role_for_types == Role::Read {
            return Ok(None);
        }
        let is_page = matches!(Operation::find(parts.method, rest), Found::Operation(..));
        let is_for_browser = negotiate_problem(parts.query, accept) == Format::Html;
        match self.site(parts, proof).filter(|_| is_page && is_for_browser && !proof.is_peer()) {
            Some(site) => {
                let query = link_query(parts.query.unwrap_or_default());
                Ok(Some(Reply::page(Format::Html, html::interstitial(&site, &query).into())))
            }
            // As for clients that want no HTML.
            None if is_overview => Ok(None),
            None => Err(Problem::CrossSite),
        }
    }
}
