//! What the endpoint looks at in a request, in terms of no framework.

use std::fmt;

/// A request without its body, which is never read.
pub struct RequestParts<'a> {
    /// The method as sent, upper case: `GET`.
    pub method: &'a str,
    /// The path as sent, neither decoded nor normalised.
    pub path: &'a str,
    /// The query as sent, without the `?`.
    pub query: Option<&'a str>,
    /// All values of the header with the given name (lower case), in the order in which they were sent.
    pub headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>,
}

/// Shows neither query nor headers: they may hold secrets.
impl fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, .. } = self;
        f.debug_struct("RequestParts").field("method", method).field("path", path).finish_non_exhaustive()
    }
}
