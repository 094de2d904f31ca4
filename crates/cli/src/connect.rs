//! How connections are made: to which addresses, and whom they trust.

use std::net::SocketAddr;
use std::sync::Arc;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};

use crate::target;

/// What trusted authorities are is read once, however many are asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedConnector(Arc<DefaultConnector>);

impl Connector for SharedConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        self.0.connect(details, chained)
    }
}

/// Looks names up, unless the address is known.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// The address, if it is known.
    pub(crate) only: Option<SocketAddr>,
    /// A name may be looked up to be elsewhere.
    pub(crate) must_be_loopback: bool,
}

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        match self.only {
            Some(address) => addresses.push(address),
            None => {
                for address in DefaultResolver::default().resolve(uri, config, timeout)?.iter() {
                    if !self.must_be_loopback || target::is_loopback(address.ip()) {
                        addresses.push(*address);
                    }
                }
            }
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}
