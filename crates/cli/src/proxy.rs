//! Connections through an HTTP proxy: a tunnel (`CONNECT`) for https, requests with the full URL for http.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use memory_debug_fleet::without_login;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use ureq::{Error, ProxyProtocol};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The longest reply to `CONNECT`.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The text that the operator gave for a proxy. It may contain a password.
#[derive(Clone)]
pub(crate) struct Given(String);

impl Given {
    /// Parses the text. An empty text, for example from an empty variable, means no proxy.
    ///
    /// # Errors
    ///
    /// The errors of [`Proxy::parse`].
    pub(crate) fn proxy(&self) -> Result<Option<Proxy>, Failure> {
        if self.is_empty() { Ok(None) } else { Proxy::parse(&self.0).map(Some) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Given {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Does not show the text.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}

/// An HTTP proxy, and the login for it.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Inner>);

struct Inner {
    uri: Uri,
    /// `Proxy-Authorization: …` with its line end, or empty.
    login: Zeroizing<String>,
}

impl Proxy {
    /// Parses `http://proxy:3128`, `proxy:3128` or `http://user:password@proxy:3128`, percent-encoded.
    ///
    /// # Errors
    ///
    /// If the text is not the address of an HTTP proxy. The message does not contain the login.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::usage(format!(
                "--proxy `{}` {what}; write for example http://proxy.example:3128",
                without_login(text)
            ))
        };
        let parsed = ureq::Proxy::new(text).map_err(|_| wrong("is not the address of a proxy"))?;
        if parsed.protocol() != ProxyProtocol::Http {
            return Err(wrong("is not an HTTP proxy, the only supported kind"));
        }
        let uri = format!("http://{}:{}", parsed.host(), parsed.port());
        let uri = uri.parse().map_err(|_| wrong("is not the address of a proxy"))?;
        let login = match (parsed.username(), parsed.password()) {
            (None, None) => Zeroizing::default(),
            (user, password) => {
                let user = user.unwrap_or_default();
                let password = password.unwrap_or_default();
                let pair = Zeroizing::new(format!("{user}:{password}"));
                let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
                Zeroizing::new(format!("Proxy-Authorization: Basic {}\r\n", *encoded))
            }
        };
        Ok(Self(Arc::new(Inner { uri, login })))
    }

    /// The address of the proxy.
    pub(crate) fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.uri.authority().map_or(Ok(()), |authority| authority.fmt(f))
    }
}

/// Does not show the login.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.0.uri).finish()
    }
}

/// Makes connections through a proxy. Its resolver must return the proxy's addresses, because the proxy itself looks up
/// the name of the target.
#[derive(Debug)]
pub(crate) struct ThroughProxy {
    pub(crate) proxy: Proxy,
    /// The address of the target, if it is known. The request to the proxy then contains it instead of the name.
    pub(crate) only: Option<SocketAddr>,
    /// The TLS connector with the trusted authorities, which are read once.
    pub(crate) tls: Arc<RustlsConnector>,
}

impl Connector for ThroughProxy {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(connected) = TcpConnector::default().connect(details, None::<()>)? else { return Ok(None) };
        let login = &self.proxy.0.login;
        let authority = self.authority(details.uri)?;
        if !details.needs_tls() {
            let written = Rewritten::new(connected, format!("http://{authority}"), login.clone());
            return Ok(Some(Box::new(written)));
        }
        let tunnel = open_tunnel(connected, &authority, login, details.timeout)?;
        Ok(self.tls.connect(details, Some(tunnel))?.map(|transport| Box::new(transport) as Self::Out))
    }
}

impl ThroughProxy {
    /// `host:port` of the target, for the request to the proxy.
    fn authority(&self, uri: &Uri) -> Result<String, Error> {
        if let Some(address) = self.only {
            return Ok(address.to_string());
        }
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        Ok(format!("{host}:{port}"))
    }
}

/// Asks the proxy to connect `transport` to `authority`.
fn open_tunnel<T: Transport>(
    mut transport: T,
    authority: &str,
    login: &str,
    timeout: NextTimeout,
) -> Result<T, Error> {
    let head = Zeroizing::new(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{login}\r\n"));
    let output = transport.buffers().output();
    output.get_mut(..head.len()).ok_or_else(too_long)?.copy_from_slice(head.as_bytes());
    transport.transmit_output(head.len(), timeout)?;
    let mut seen = 0;
    loop {
        let input = transport.buffers().input();
        if let Some(end) = input.windows(4).position(|end| end == b"\r\n\r\n") {
            let status = status(&input[..end]);
            transport.buffers().input_consume(end + 4);
            return match status {
                Some(200..=299) => Ok(transport),
                Some(status) => Err(Error::ConnectProxyFailed(format!("answered {status}"))),
                None => Err(Error::ConnectProxyFailed("sent a reply that is not HTTP".to_owned())),
            };
        }
        if input.len() > MAX_HEAD_BYTES {
            return Err(Error::ConnectProxyFailed("sent a reply head that is too long".to_owned()));
        }
        let is_more = transport.await_input(timeout)?;
        let length = transport.buffers().input().len();
        if !is_more || length == seen {
            return Err(Error::ConnectProxyFailed("closed the connection".to_owned()));
        }
        seen = length;
    }
}

/// The status in the first line of a reply.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|&byte| byte == b'\r').next()?).ok()?;
    let (version, rest) = line.split_once(' ')?;
    version.strip_prefix("HTTP/1.")?;
    rest.split(' ').next()?.parse().ok()
}

/// A connection that adds the full URL to the first line of the request, and the login for the proxy below it.
struct Rewritten<T> {
    transport: T,
    /// The text to put before the path. `None` after the request has begun.
    prefix: Option<String>,
    login: Zeroizing<String>,
}

impl<T: Transport> Rewritten<T> {
    fn new(transport: T, prefix: String, login: Zeroizing<String>) -> Self {
        Self { transport, prefix: Some(prefix), login }
    }
}

impl<T: Transport> Transport for Rewritten<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Some(prefix) = self.prefix.take() else { return self.transport.transmit_output(amount, timeout) };
        let output = self.transport.buffers().output();
        let written = rewritten(output.get(..amount).ok_or_else(too_long)?, &prefix, &self.login)?;
        output.get_mut(..written.len()).ok_or_else(too_long)?.copy_from_slice(&written);
        self.transport.transmit_output(written.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        // The connection is used for one request only.
        false
    }
}

impl<T> fmt::Debug for Rewritten<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewritten").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Writes `request` with `prefix` before its path and `login` below its first line.
fn rewritten(request: &[u8], prefix: &str, login: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let position = |wanted: &[u8]| request.windows(wanted.len()).position(|found| found == wanted);
    let (Some(space), Some(end)) = (position(b" "), position(b"\r\n")) else { return Err(too_long()) };
    let parts = [
        &request[..=space],
        prefix.as_bytes(),
        &request[space + 1..end + 2],
        login.as_bytes(),
        &request[end + 2..],
    ];
    Ok(Zeroizing::new(parts.concat()))
}

fn too_long() -> Error {
    Error::ConnectProxyFailed("got no request: the request is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_addresses_are_proxies_and_the_login_is_never_shown() {
        for (text, shown) in [
            ("http://proxy.example:3128", "proxy.example:3128"),
            ("proxy.example:3128", "proxy.example:3128"),
            ("http://proxy.example/", "proxy.example:80"),
            ("http://[::1]:3128", "[::1]:3128"),
            ("http://ops:s3cret@proxy.example:3128", "proxy.example:3128"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(proxy.to_string(), shown);
            assert!(!format!("{proxy:?}").contains("s3cret"), "{proxy:?}");
        }
        let login = |text| Proxy::parse(text).unwrap().0.login.to_string();
        assert_eq!(login("http://proxy:1"), "");
        // `ops:s3c@ret`
        assert_eq!(login("http://ops:s3c%40ret@proxy:1"), "Proxy-Authorization: Basic b3BzOnMzY0ByZXQ=\r\n");
        for text in
            ["", "https://s3cret@proxy", "socks5://ops:s3cret@proxy", "http://ops:s3cret@", "http://a b"]
        {
            let failure = Proxy::parse(text).unwrap_err().to_string();
            assert!(failure.starts_with("--proxy `") && !failure.contains("s3cret"), "{failure}");
        }
    }

    #[test]
    fn plain_request_gets_the_full_url_and_the_proxy_login() {
        let request = b"GET /debug/memory?top=5 HTTP/1.1\r\nhost: shop\r\n\r\n";
        let written = rewritten(request, "http://shop:8080", "Proxy-Authorization: Basic x\r\n").unwrap();
        let expected = "GET http://shop:8080/debug/memory?top=5 HTTP/1.1\r\nProxy-Authorization: Basic x\r\n\
             host: shop\r\n\r\n";
        assert_eq!(std::str::from_utf8(&written).unwrap(), expected);
        assert!(rewritten(b"GET", "http://shop", "").is_err());
    }

    #[test]
    fn status_of_a_proxy_is_read_or_absent() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established", Some(200)),
            ("HTTP/1.0 407 Proxy Authentication Required\r\na: b", Some(407)),
            ("HTTP/1.1 200", Some(200)),
            ("SSH-2.0-OpenSSH", None),
            ("HTTP/1.1 many", None),
            ("", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head}");
        }
    }
}
