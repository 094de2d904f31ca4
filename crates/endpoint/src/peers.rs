//! Instances elsewhere that answer together.
//!
//! Whichever is asked for its peers asks those that its configuration names, and nobody that a request could name. It
//! sends them a secret that only instances share and that opens one page alone, never what the caller sent. Those who are
//! asked ask nobody in turn. What they answer is looked at as if strangers had answered.

mod address;
mod ask;
mod connect;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gather;
mod names;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use self::address::Address;
use crate::auth::Role;
use crate::auth::Secret;
use crate::auth::{Credentials, CredentialsError};
use crate::config_error::{ConfigError, ConfigErrorKind};

/// Most peers that are asked.
const MAX_PEERS: usize = 256;

/// As whom peers ask each other, and are named in the audit.
const USER: &str = "memory-debug-peer";

/// Instances elsewhere, and what they know each other by: see [`Endpoint::peers`](crate::Endpoint::peers).
///
/// # Security
///
/// The secret is sent to whoever is at the addresses, over TLS unless these are on this machine
/// ([`allow_plain_http`](Self::allow_plain_http)). There too, whoever may run programs can listen at an address while the
/// instance is down, and gets the secret: on a machine of several users use TLS, or
/// [`siblings`](crate::Endpoint::siblings), which look at the user. It has to be another than operators' passwords: it opens the overview of
/// each instance, for requests that peers make, and nothing else.
///
/// # Examples
///
/// ```
/// use memory_debug_endpoint::{Credentials, Endpoint, Peers, generate_password};
///
/// // The same secret at each instance; in production from a file.
/// let peers = Peers::new(generate_password()?)?.dns("https://shop-headless.default.svc:8443")?;
/// let endpoint = Endpoint::new(Credentials::new("ops", generate_password()?)?).peers(peers);
/// # let _ = endpoint;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Peers {
    /// What is sent.
    secret: Secret,
    /// What is accepted.
    accepted: Credentials,
    named: Vec<Named>,
    authorities: Option<Arc<RootCertStore>>,
    /// Whether those that are named next may be asked in the clear.
    allows_plain_http: bool,
}

/// A page, or the pages at all addresses of a name.
#[derive(Clone, Debug)]
struct Named {
    address: Address,
    is_each: bool,
    may_leave: bool,
}

impl Peers {
    /// Peers that share `secret`, which is sent to them and accepted from them.
    ///
    /// # Errors
    ///
    /// If it can be guessed, or not be sent: as for passwords of [`Credentials::new`].
    pub fn new(secret: impl Into<String>) -> Result<Self, CredentialsError> {
        Self::of(Secret::new(secret))
    }

    /// Peers that share what is in a file, without the line break at its end. It is read once.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`new`](Self::new).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref();
        Self::of(Credentials::read_password(path)?).map_err(|error| in_file(error, path))
    }

    fn of(secret: Secret) -> Result<Self, CredentialsError> {
        let accepted = accept(&secret)?;
        Ok(Self { secret, accepted, named: Vec::new(), authorities: None, allows_plain_http: false })
    }

    /// Accepts another secret too, for the time that it takes until all instances send the same: first all accept the
    /// new one, then all send it, then none accepts the old one.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and if there are more than 8.
    pub fn accept(self, other: impl Into<String>) -> Result<Self, CredentialsError> {
        self.also(&Secret::new(other))
    }

    /// The same of what is in a file, without the line break at its end.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`accept`](Self::accept).
    pub fn accept_file(self, path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref();
        self.also(&Credentials::read_password(path)?).map_err(|error| in_file(error, path))
    }

    fn also(self, other: &Secret) -> Result<Self, CredentialsError> {
        let accepted = self.accepted.clone().and(accept(other)?)?;
        Ok(Self { accepted, ..self })
    }

    /// Names the page of one instance: `https://10.0.0.7:8443`, `https://shop-1.internal/debug/memory`.
    ///
    /// # Errors
    ///
    /// If `url` is no address of a page, or there are too many.
    pub fn instance(self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.add(url.as_ref(), false)
    }

    /// Names the pages at all addresses (A, AAAA) of a host, which is looked up for each request: for example those of a
    /// headless service in Kubernetes. Over TLS, each of them has to prove to be that host.
    ///
    /// # Errors
    ///
    /// As [`instance`](Self::instance).
    pub fn dns(self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.add(url.as_ref(), true)
    }

    fn add(mut self, url: &str, is_each: bool) -> Result<Self, ConfigError> {
        let refused = |what: &str| {
            // A login in it is not repeated.
            let host = url.rsplit('@').next().unwrap_or_default();
            let message = format!("peer `{}` refused: it {what}", host.escape_debug());
            Err(ConfigError::new(ConfigErrorKind::InvalidPeer, message))
        };
        let address = match Address::parse(url) {
            Ok(address) => address,
            Err(what) => return refused(&format!("{what}; write for example https://shop-1.internal:8443")),
        };
        if !self.allows_plain_http && !address.may_stay_private() {
            return refused(
                "is on another machine, and plain HTTP would show the secret to everybody on the way; use https, or call \
                 `allow_plain_http` before if the network is trusted",
            );
        }
        if self.named.len() == MAX_PEERS {
            return refused(&format!("is one more than {MAX_PEERS}; `dns` names many at once"));
        }
        self.named.push(Named { address, is_each, may_leave: self.allows_plain_http });
        Ok(self)
    }

    /// Trusts the authorities whose certificates are in `pem` instead of those that the system trusts. Called again, it
    /// adds to them.
    ///
    /// # Errors
    ///
    /// If there is no certificate in it, or one that is not understood.
    pub fn authority(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let refused = |what: String| {
            ConfigError::new(ConfigErrorKind::InvalidAuthority, format!("authority of peers refused: {what}"))
        };
        let mut authorities = self.authorities.take().map_or_else(RootCertStore::empty, Arc::unwrap_or_clone);
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            let certificate = certificate.map_err(|error| refused(format!("it is no PEM ({error})")))?;
            found += 1;
            let added = authorities.add(certificate);
            added.map_err(|_| refused(format!("its certificate number {found} is not understood")))?;
        }
        if found == 0 {
            return Err(refused("it needs a block `-----BEGIN CERTIFICATE-----`, and has none".to_owned()));
        }
        Ok(Self { authorities: Some(Arc::new(authorities)), ..self })
    }

    /// Lets those that are named from here on be asked by plain HTTP, wherever they are.
    ///
    /// # Security
    ///
    /// Only where nobody else reads the network or answers for the names in it, or it is encrypted below HTTP: the secret
    /// is in each request, and what the instances hold in each answer.
    pub fn allow_plain_http(self) -> Self {
        Self { allows_plain_http: true, ..self }
    }

    /// The logins that a peer asks with.
    pub(crate) fn accepted(&self) -> &Credentials {
        &self.accepted
    }

    /// Whether an operator has the secret for a password: then who has the one has the other.
    pub(crate) fn share_a_password_with(&self, operators: &Credentials) -> bool {
        operators.have_password(self.secret.expose().as_bytes())
    }

    /// Whether there is anybody to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

fn accept(secret: &Secret) -> Result<Credentials, CredentialsError> {
    Ok(Credentials::new(USER, secret.expose())?.role(Role::Read))
}

fn in_file(error: CredentialsError, path: &Path) -> CredentialsError {
    error.of(format_args!("`{}`", path.display()))
}

/// Shows whom it names, and nothing of the secret.
impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> = self.named.iter().map(|named| named.address.to_string()).collect();
        f.debug_struct("Peers").field("named", &named).finish_non_exhaustive()
    }
}
