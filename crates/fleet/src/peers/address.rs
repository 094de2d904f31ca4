//! Where the page of a peer is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use rustls::pki_types::ServerName;

use crate::request::BasePath;

/// `https://host:port/path`, of which port and path may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_tls: bool,
    pub(super) host: ServerName<'static>,
    pub(super) port: u16,
    /// Of the page, whose other pages lie below.
    pub(super) path: String,
}

impl Address {
    /// # Errors
    ///
    /// What is wrong with `text`, in the words that follow "it".
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (is_tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("begins with neither `https://` nor `http://`"),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if authority.contains('@') {
            return Err("has a login in it; peers are asked with the secret they share");
        }
        let path = match path.trim_end_matches('/') {
            "" => BasePath::DEFAULT,
            path => path,
        };
        BasePath::parse(path).map_err(|_| "has a path that is none of a page")?;
        let (host, port) = split_port(authority)?;
        Ok(Self {
            is_tls,
            host: ServerName::try_from(host.to_owned()).map_err(|_| "has no name or address of a host")?,
            port: port.unwrap_or(if is_tls { 443 } else { 80 }),
            path: path.to_owned(),
        })
    }

    /// The address, if it is written as one and not as a name.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        match &self.host {
            ServerName::IpAddress(ip) => Some((*ip).into()),
            _ => None,
        }
    }

    /// Whether what is sent there stays on this machine, or is encrypted. The name has to be looked up, and
    /// [`stays_here`] asked of what was found.
    pub(super) fn may_stay_private(&self) -> bool {
        self.is_tls || self.ip().map_or(self.host.to_str() == "localhost", stays_here)
    }

    /// The host and port, as the header `Host` has them.
    pub(super) fn authority(&self) -> String {
        let (host, port) = (self.host.to_str(), self.port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// How the fleet names the page at one of the host's addresses.
    pub(super) fn at(&self, found: SocketAddr) -> String {
        if self.ip().is_some() { self.to_string() } else { format!("{self} ({})", found.ip()) }
    }
}

/// The host without brackets, and the port.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("has a bracket that is not closed")?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("has something else than an IPv6 address in brackets");
            }
            (host, rest.strip_prefix(':').or((!rest.is_empty()).then_some("?")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_number = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
    match port.map(|port| Some(port).filter(is_number)?.parse().ok()) {
        Some(None | Some(0)) => Err("has a port that is none"),
        port => Ok((host, port.flatten())),
    }
}

/// `::ffff:127.0.0.1` does as well.
pub(super) fn stays_here(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority())?;
        f.write_str(if self.path == BasePath::DEFAULT { "" } else { &self.path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_lacks_is_usual() {
        for (text, shown, path) in [
            ("https://shop", "https://shop:443", "/debug/memory"),
            ("http://localhost/", "http://localhost:80", "/debug/memory"),
            ("https://10.0.0.7:8443/debug/memory", "https://10.0.0.7:8443", "/debug/memory"),
            ("https://[2001:db8::7]:1/m/", "https://[2001:db8::7]:1/m", "/m"),
            ("https://[::1]", "https://[::1]:443", "/debug/memory"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.to_string().as_str(), address.path.as_str()), (shown, path), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_page_is_refused() {
        for text in [
            "",
            "shop:8443",
            "ftp://shop",
            "https://",
            "https://:8443",
            "https://shop:",
            "https://shop:0",
            "https://shop:65536",
            "https://shop:+1",
            "https://shop:1:2",
            "https://ops:pw@shop",
            "https://shop@evil",
            "https://shop/a?x=y",
            "https://shop#x",
            "https://shop?x",
            "https://shop/../x",
            "https://shop/a b",
            "https://sh op",
            "https://shop\r\nx: y",
            "https://shop/a\r\nb",
            "https://[::1",
            "https://[::1]x",
            "https://[shop]",
            "https://::1",
            "https://shop\\evil",
            "https://shop/a//b",
            "HTTPS://shop",
            "https:///m",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn s17_only_what_is_here_is_asked_in_the_clear() {
        for (text, is_private) in [
            ("http://127.0.0.1:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost", true),
            ("https://10.0.0.7", true),
            ("http://10.0.0.7", false),
            ("http://shop", false),
            ("http://localhost.shop", false),
            ("http://localhost6", false),
            ("http://[2001:db8::7]", false),
            ("http://0.0.0.0", false),
        ] {
            assert_eq!(Address::parse(text).unwrap().may_stay_private(), is_private, "{text}");
        }
    }
}
