//! The parts of a request that the endpoint reads, independent of any web framework.

use std::fmt;
use std::net::IpAddr;

/// A request without its body. The endpoint answers nearly all requests without the body, see
/// [`ReplyFuture::needs_body`](crate::ReplyFuture::needs_body).
pub struct RequestParts<'a> {
    /// The method as sent, upper case: `GET`.
    pub method: &'a str,
    /// The host in the request line (absolute form, or `:authority` in HTTP/2), with its port. If it is `None`, the
    /// header `Host` is used.
    pub authority: Option<&'a str>,
    /// The path as sent, neither decoded nor normalised.
    pub path: &'a str,
    /// The query as sent, without the `?`.
    pub query: Option<&'a str>,
    /// All values of the header with the given name (lower case), in the order in which they were sent.
    pub headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>,
    /// What the server itself knows about the connection. Never copy it from a header.
    pub connection: Connection,
}

/// The connection that a request arrived on. By default nothing is known about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The address at the other end of the connection: the client, or the last proxy.
    pub peer: Option<IpAddr>,
    /// Whether this process itself terminated TLS on the connection.
    pub tls: Option<bool>,
}

/// Omits the query and the headers, because they may contain secrets.
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
