//! The form of a problem: its format, and for a browser its place.

use crate::html::{self, Site};
use crate::reply::{Format, Problem, Reply};

/// How a problem of a request is written.
#[derive(Clone, Debug)]
pub(crate) struct ProblemForm {
    format: Format,
    /// The place of the page for a browser. `None` for all other formats.
    site: Option<Box<Site>>,
}

impl ProblemForm {
    /// `site` is called only for a browser.
    pub(crate) fn new(format: Format, site: impl FnOnce() -> Option<Site>) -> Self {
        let site = if format == Format::Html { site() } else { None };
        Self { format, site: site.map(Box::new) }
    }

    /// The reply with this problem.
    pub(crate) fn reply(&self, problem: &Problem) -> Reply {
        let reply = Reply::problem(problem, self.format);
        match &self.site {
            Some(site) => reply.into_page(html::problem(site, problem)),
            None => reply,
        }
    }
}

impl From<Format> for ProblemForm {
    /// The form for a program.
    fn from(format: Format) -> Self {
        Self::new(format, || None)
    }
}
