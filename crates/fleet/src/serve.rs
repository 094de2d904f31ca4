//! The interface of a process to the requests of its siblings.

use std::borrow::Cow;
use std::fmt;

/// Answers the requests of siblings, which arrive over this process's socket.
pub trait AnswerSiblings: Send + Sync {
    /// Whether `path` is a path of the page. Requests for other paths get a 404 without a body.
    fn has_path(&self, path: &str) -> bool;

    /// Answers a request. Blocks until the answer is complete.
    fn answer(&self, request: &SiblingRequest<'_>) -> SiblingReply;

    /// Reports that this process cannot listen, with the reason.
    fn cannot_listen(&self, reason: &str);
}

/// The head of a request from a sibling. Bodies are not read.
pub struct SiblingRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as sent.
    pub path: &'a str,
    /// The part of the target after `?`.
    pub query: Option<&'a str>,
    /// Returns all values of the header with the given name in lower case.
    pub headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>,
}

/// The reply to a sibling.
pub struct SiblingReply {
    /// The status code.
    pub status: u16,
    /// Header fields, without `connection` and `content-length`.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body. Dropped once it is written.
    pub body: Box<dyn AsRef<[u8]> + Send>,
}

impl SiblingReply {
    /// Status 404 without a body.
    #[must_use]
    pub fn not_found() -> Self {
        Self { status: 404, headers: Vec::new(), body: Box::new([]) }
    }
}

/// Omits the headers, because one of them is a password.
impl fmt::Debug for SiblingRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiblingRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SiblingReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiblingReply").field("status", &self.status).finish_non_exhaustive()
    }
}
