//! Instances on other hosts that report together.
//!
//! The instance that is asked for its peers asks the peers in its configuration. A request cannot name other peers. The
//! instance sends a secret that only instances share, and never the caller's login. Peers do not ask further instances.
//! Their answers are not trusted: a stranger could have written them.

mod address;
mod ask;
mod connect;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gather;
mod names;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use self::address::Address;
use crate::caller::Caller;
use crate::neighbours::NeighboursId;
use crate::page_path::without_login;

/// Maximum number of peers that are asked.
const MAX_PEERS: usize = 256;

/// The peers of this process, and the credential for asking them.
#[derive(Clone)]
#[must_use]
pub struct Peers {
    id: NeighboursId,
    caller: Caller,
    configured: Vec<ConfiguredPeer>,
    authorities: Option<Arc<RootCertStore>>,
    /// Whether peers that are added from now on may be asked over plain HTTP.
    allows_plain_http: bool,
}

/// A configured peer: a page, or the pages at all addresses of a name.
#[derive(Clone, Debug)]
struct ConfiguredPeer {
    address: Address,
    /// Whether the host stands for all its addresses.
    is_every_address: bool,
    /// Whether the secret may leave this machine unencrypted.
    allows_plain_http: bool,
}

/// A peer or authority that was refused. The message says what to change.
#[derive(Debug)]
pub struct PeerError {
    kind: PeerErrorKind,
    message: String,
}

/// The reason why a peer or an authority was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerErrorKind {
    /// The address is malformed, or the secret would be sent to it unencrypted.
    Address,
    /// The authority is not a certificate.
    Authority,
}

impl Peers {
    /// Creates an empty list of peers, which are asked with the credential of `caller`.
    pub fn new(caller: Caller) -> Self {
        Self {
            id: NeighboursId::unique(),
            caller,
            configured: Vec::new(),
            authorities: None,
            allows_plain_http: false,
        }
    }

    /// Adds the page of one instance.
    ///
    /// # Errors
    ///
    /// If `url` is not the address of a page, or there are too many addresses.
    pub fn instance(self, url: impl AsRef<str>) -> Result<Self, PeerError> {
        self.add(url.as_ref(), false)
    }

    /// Adds the pages at all addresses (A, AAAA) of a host. The host is looked up for each request.
    ///
    /// # Errors
    ///
    /// If `url` is refused as in [`instance`](Self::instance).
    pub fn dns(self, url: impl AsRef<str>) -> Result<Self, PeerError> {
        self.add(url.as_ref(), true)
    }

    fn add(mut self, url: &str, is_every_address: bool) -> Result<Self, PeerError> {
        let refused = |what: &str| {
            // The message must not repeat a login in the address.
            let message = format!("peer `{}` refused: it {what}", without_login(url).escape_debug());
            Err(PeerError { kind: PeerErrorKind::Address, message })
        };
        let address = match Address::parse(url) {
            Ok(address) => address,
            Err(what) => return refused(&format!("{what}; write for example https://shop-1.internal:8443")),
        };
        if !self.allows_plain_http && !address.may_stay_private() {
            return refused(
                "is on another machine, and plain HTTP would show the secret to every machine on the way; use https, \
                 or call `allow_plain_http` first if you trust the network",
            );
        }
        if self.configured.len() == MAX_PEERS {
            return refused(&format!(
                "exceeds the limit of {MAX_PEERS} peers; use `dns` for many instances of one name"
            ));
        }
        self.configured.push(ConfiguredPeer {
            address,
            is_every_address,
            allows_plain_http: self.allows_plain_http,
        });
        Ok(self)
    }

    /// Trusts the certificate authorities in `pem` instead of the system's authorities. Each further call adds
    /// authorities.
    ///
    /// # Errors
    ///
    /// If `pem` contains no certificate, or one that cannot be parsed.
    pub fn authority(mut self, pem: impl AsRef<[u8]>) -> Result<Self, PeerError> {
        let refused = |what: String| PeerError {
            kind: PeerErrorKind::Authority,
            message: format!("authority of peers refused: {what}"),
        };
        let mut authorities = self.authorities.take().map_or_else(RootCertStore::empty, Arc::unwrap_or_clone);
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            let certificate = certificate.map_err(|error| refused(format!("it is not PEM ({error})")))?;
            found += 1;
            let added = authorities.add(certificate);
            added.map_err(|_| refused(format!("its certificate number {found} cannot be parsed")))?;
        }
        if found == 0 {
            return Err(refused("it contains no `-----BEGIN CERTIFICATE-----` block; add one".to_owned()));
        }
        Ok(Self { authorities: Some(Arc::new(authorities)), ..self })
    }

    /// Allows plain HTTP to all peers that are added after this call, wherever they are.
    ///
    /// # Security
    ///
    /// Every machine on the way then sees the secret in each request, and the memory report in each answer.
    pub fn allow_plain_http(self) -> Self {
        Self { allows_plain_http: true, ..self }
    }

    /// Whether the list has no peers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty()
    }

    /// The same peers as new neighbours. They share no answers with the value that they were cloned from.
    pub fn on_their_own(self) -> Self {
        Self { id: NeighboursId::unique(), ..self }
    }
}

impl PeerError {
    /// The reason, to match on.
    pub fn kind(&self) -> PeerErrorKind {
        self.kind
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for PeerError {}

/// Shows the addresses without the secret.
impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.configured.iter().map(|peer| peer.address.to_string()).collect();
        f.debug_struct("Peers").field("addresses", &addresses).finish_non_exhaustive()
    }
}
