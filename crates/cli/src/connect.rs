//! Opens connections, directly or through a proxy, and chooses their addresses.

use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;

use memory_debug_fleet::is_loopback;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, DefaultConnector, NextTimeout, RustlsConnector, Transport,
};

use crate::proxy::{Proxy, ThroughProxy};
#[cfg(unix)]
use crate::unix_socket::ThroughSocket;

/// The connectors that all connections share, so that the trusted authorities are read only once.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedConnector {
    direct: Arc<DefaultConnector>,
    tls: Arc<RustlsConnector>,
}

impl SharedConnector {
    /// The route to one target. `only` is the target's address, if it is known already.
    pub(crate) fn to(&self, proxy: Option<&Proxy>, only: Option<SocketAddr>) -> Route {
        match proxy {
            None => Route::Direct(Arc::clone(&self.direct)),
            Some(proxy) => {
                Route::Proxy(ThroughProxy { proxy: proxy.clone(), only, tls: Arc::clone(&self.tls) })
            }
        }
    }

    /// The route through a Unix socket.
    #[cfg(unix)]
    pub(crate) fn through(&self, socket: &Arc<Path>) -> Route {
        Route::Socket(ThroughSocket { path: Arc::clone(socket), tls: Arc::clone(&self.tls) })
    }
}

/// The route to a target.
#[derive(Debug)]
pub(crate) enum Route {
    Direct(Arc<DefaultConnector>),
    Proxy(ThroughProxy),
    #[cfg(unix)]
    Socket(ThroughSocket),
}

impl Connector for Route {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        match self {
            Self::Direct(connector) => connector.connect(details, chained),
            Self::Proxy(proxy) => proxy.connect(details, chained),
            #[cfg(unix)]
            Self::Socket(socket) => socket.connect(details, chained),
        }
    }
}

/// Finds the addresses to connect to. Looks up the host name only if the address is not known.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// The address, if it is known.
    pub(crate) only: Option<SocketAddr>,
    /// Whether to skip the addresses of other machines.
    pub(crate) must_be_loopback: bool,
    /// The proxy to connect to instead of the target. The proxy looks up the target's name itself.
    pub(crate) proxy: Option<Proxy>,
}

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        if let Some(proxy) = &self.proxy {
            return DefaultResolver::default().resolve(proxy.uri(), config, timeout);
        }
        let mut addresses = self.empty();
        match self.only {
            Some(address) => addresses.push(address),
            None => {
                for address in DefaultResolver::default().resolve(uri, config, timeout)?.iter() {
                    if !self.must_be_loopback || is_loopback(address.ip()) {
                        addresses.push(*address);
                    }
                }
            }
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}
