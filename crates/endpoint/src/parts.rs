//! What the endpoint looks at in a request, in terms of no framework.

use std::fmt;
use std::net::IpAddr;

/// A request without its body: nearly all are answered without a look at it, see
/// [`ReplyFuture::needs_body`](crate::ReplyFuture::needs_body).
pub struct RequestParts<'a> {
    /// The method as sent, upper case: `GET`.
    pub method: &'a str,
    /// The host that the request line names (absolute form, or `:authority` in HTTP/2), with its port. `None` if
    /// there is only the header `Host`, which is then looked at instead.
    pub authority: Option<&'a str>,
    /// The path as sent, neither decoded nor normalised.
    pub path: &'a str,
    /// The query as sent, without the `?`.
    pub query: Option<&'a str>,
    /// All values of the header with the given name (lower case), in the order in which they were sent.
    pub headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>,
    /// What the server knows about the connection; never what a header says about it.
    pub connection: Connection,
}

/// The connection that a request came on. The default is to know nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The address at its other end: the client's, or that of the last proxy.
    pub peer: Option<IpAddr>,
    /// Whether this process itself ended TLS on it.
    pub tls: Option<bool>,
}

/// Shows neither query nor headers: they may hold secrets.
impl fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, connection, .. } = self;
        f.debug_struct("RequestParts")
            .field("method", method)
            .field("path", path)
            .field("connection", connection)
            .finish_non_exhaustive()
    }
}
