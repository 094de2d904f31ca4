//! The address of a peer's page.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use rustls::pki_types::ServerName;

use crate::loopback::is_loopback;
use crate::page_path::{DEFAULT_PATH, page_path, page_path_defect};

/// The address of a page, `https://host:port/path`. Port and path are optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_tls: bool,
    pub(super) host: ServerName<'static>,
    pub(super) port: u16,
    /// The path of the overview. All other pages are below it.
    pub(super) path: String,
}

impl Address {
    /// Parses an address from the configuration.
    ///
    /// # Errors
    ///
    /// If `text` is not an address. The message follows the word "it".
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (is_tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("begins with neither `https://` nor `http://`"),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if authority.contains('@') {
            return Err("contains a login; peers are asked with their shared secret, so remove it");
        }
        let path = page_path(path);
        if page_path_defect(path).is_some() {
            return Err("has an invalid path");
        }
        let (host, port) = split_port(authority)?;
        Ok(Self {
            is_tls,
            host: ServerName::try_from(host.to_owned()).map_err(|_| "names no host")?,
            port: port.unwrap_or(if is_tls { 443 } else { 80 }),
            path: path.to_owned(),
        })
    }

    /// The address of the host, if it is written as an address and not as a name.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        match &self.host {
            ServerName::IpAddress(ip) => Some((*ip).into()),
            _ => None,
        }
    }

    /// Whether a request to this address is encrypted or may stay on this machine. A name must still be looked up,
    /// and its addresses checked with [`is_loopback`].
    pub(super) fn may_stay_private(&self) -> bool {
        self.is_tls || self.ip().map_or(self.host.to_str() == "localhost", is_loopback)
    }

    /// The host and port, as in the header `Host`.
    pub(super) fn authority(&self) -> String {
        let host = self.host.to_str();
        let port = self.port;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The name of an instance in the fleet's report, if it was found at the address `found`.
    pub(super) fn at(&self, found: SocketAddr) -> String {
        if self.ip().is_some() { self.to_string() } else { format!("{self} ({})", found.ip()) }
    }
}

/// Splits an authority into the host without brackets and the port.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("has a bracket without an end")?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("has brackets around something that is not an IPv6 address");
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
        Some(None | Some(0)) => Err("has an invalid port"),
        port => Ok((host, port.flatten())),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority())?;
        f.write_str(if self.path == DEFAULT_PATH { "" } else { &self.path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_port_or_path_has_its_default() {
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
    fn a_text_that_is_not_an_address_of_a_page_is_refused() {
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
    fn s17_only_addresses_of_this_machine_may_be_asked_unencrypted() {
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
