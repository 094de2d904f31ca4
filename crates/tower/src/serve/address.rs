//! The address of a listener.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A TCP address, or the path of a Unix socket.
///
/// Basic authentication sends the password with each request, and this listener has no TLS. So a TCP address must be a
/// loopback address, unless it comes from [`insecure_tcp`](Self::insecure_tcp).
///
/// # Examples
///
/// ```
/// use memory_debug_tower::serve::ListenAddress;
///
/// let loopback: ListenAddress = "127.0.0.1:6060".parse()?;
/// # #[cfg(unix)]
/// let socket: ListenAddress = "unix:/run/shop/memory.sock".parse()?;
/// assert!("shop.example:6060".parse::<ListenAddress>().is_err());
/// # let _ = loopback;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp(SocketAddr, Reach),
    #[cfg(unix)]
    Unix(PathBuf),
}

/// The interfaces that a TCP address may belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Loopback,
    Anywhere,
}

impl ListenAddress {
    /// Accepts any TCP address, including addresses that other machines can reach.
    ///
    /// # Security
    ///
    /// Anyone who can read the network traffic can read the password. Use it only on networks that are encrypted by
    /// other means.
    #[must_use]
    pub fn insecure_tcp(address: SocketAddr) -> Self {
        Self(Kind::Tcp(address, Reach::Anywhere))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self(Kind::Tcp(address, Reach::Loopback))
    }
}

#[cfg(unix)]
impl From<PathBuf> for ListenAddress {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Unix(path))
    }
}

#[cfg(unix)]
impl From<&Path> for ListenAddress {
    fn from(path: &Path) -> Self {
        Self::from(path.to_owned())
    }
}

/// Parses `127.0.0.1:6060`, `[::1]:6060`, or `unix:` and a path.
impl FromStr for ListenAddress {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        #[cfg(unix)]
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::from(Path::new(path)));
        }
        text.parse().map(|address: SocketAddr| Self::from(address)).map_err(|_| {
            let message = format!(
                "cannot listen on `{}`: expected an address and port like `127.0.0.1:6060`, or `unix:` and a path",
                text.escape_debug()
            );
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })
    }
}

/// Writes the form that [`FromStr`] parses.
impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp(address, _) => address.fmt(f),
            #[cfg(unix)]
            Kind::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displayed_addresses_parse_to_themselves() {
        for text in ["127.0.0.1:6060", "[::1]:0", "0.0.0.0:80", "unix:/run/memory.sock", "unix:memory.sock"] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn error_names_the_bad_address_and_the_expected_form() {
        for text in ["", "6060", ":6060", "localhost:6060", "127.0.0.1", "/run/memory.sock", "unix:", "a\nb"]
        {
            let error = text.parse::<ListenAddress>().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let message = error.to_string();
            assert!(message.contains(&format!("`{}`", text.escape_debug())), "{message}");
            assert!(message.contains("127.0.0.1:6060") && message.contains("unix:"), "{message}");
        }
    }
}
