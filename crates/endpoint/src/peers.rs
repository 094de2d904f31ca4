//! The peers of an endpoint, and the secret that they share.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use memory_debug_core::FleetReport;
use memory_debug_fleet::{
    Caller, CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport, PeerError, PeerErrorKind,
};

use crate::auth::{Credentials, CredentialsError, Role, Secret};
use crate::config_error::{ConfigError, ConfigErrorKind};

/// The user name in requests between peers. The audit log shows it.
const USER: &str = "memory-debug-peer";

/// Instances on other hosts and the secret that they share: see [`Endpoint::peers`](crate::Endpoint::peers).
///
/// # Security
///
/// The secret is sent to the configured addresses, over TLS unless an address is on this machine
/// ([`allow_plain_http`](Self::allow_plain_http) changes that). On this machine, any user who can run programs can
/// listen at an address while the instance is down, and then receives the secret. If a machine has several users, use
/// TLS, or use [`siblings`](crate::Endpoint::siblings), which check the user. The secret must differ from operators'
/// passwords. It only gives access to the overview of each instance, and only in requests between peers.
///
/// # Examples
///
/// ```
/// use memory_debug_endpoint::{Credentials, Endpoint, Peers, generate_password};
///
/// // Each instance has the same secret; in production it comes from a file.
/// let peers = Peers::new(generate_password()?)?.dns("https://shop-headless.default.svc:8443")?;
/// let endpoint = Endpoint::new(Credentials::new("ops", generate_password()?)?).peers(peers);
/// # let _ = endpoint;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Peers {
    /// The secret that is sent.
    secret: Secret,
    /// The secrets that are accepted.
    accepted: Credentials,
    peers: memory_debug_fleet::Peers,
}

impl Peers {
    /// Creates a list of peers that share `secret`. It is sent to them and accepted from them.
    ///
    /// # Errors
    ///
    /// If the secret can be guessed or cannot be sent. The rules are the rules for passwords of [`Credentials::new`].
    pub fn new(secret: impl Into<String>) -> Result<Self, CredentialsError> {
        Self::with_secret(Secret::new(secret))
    }

    /// Creates a list of peers that share the secret in a file, without the line break at its end. Reads the file once.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the secret is refused as in [`new`](Self::new).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref();
        Self::with_secret(Credentials::read_password(path)?).map_err(|error| in_file(error, path))
    }

    fn with_secret(secret: Secret) -> Result<Self, CredentialsError> {
        let accepted = accept(&secret)?;
        let peers = memory_debug_fleet::Peers::new(Caller::basic(USER, secret.expose()));
        Ok(Self { secret, accepted, peers })
    }

    /// Accepts another secret as well, while the secret changes on all instances. First all instances must accept the
    /// new secret, then all must send it, and at last none may accept the old one.
    ///
    /// # Errors
    ///
    /// If the secret is refused as in [`new`](Self::new), or there are more than 8 secrets.
    pub fn accept(self, other: impl Into<String>) -> Result<Self, CredentialsError> {
        self.accept_also(&Secret::new(other))
    }

    /// Accepts the secret in a file as well, without the line break at its end.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the secret is refused as in [`accept`](Self::accept).
    pub fn accept_file(self, path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref();
        self.accept_also(&Credentials::read_password(path)?).map_err(|error| in_file(error, path))
    }

    fn accept_also(self, other: &Secret) -> Result<Self, CredentialsError> {
        let accepted = self.accepted.clone().and(accept(other)?)?;
        Ok(Self { accepted, ..self })
    }

    /// Adds the page of one instance: `https://10.0.0.7:8443`, `https://shop-1.internal/debug/memory`.
    ///
    /// # Errors
    ///
    /// If `url` is not the address of a page, or there are too many addresses.
    pub fn instance(self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self { peers: self.peers.instance(url).map_err(refused)?, ..self })
    }

    /// Adds the pages at all addresses (A, AAAA) of a host, for example of a headless service in Kubernetes. The host
    /// is looked up for each request. Over TLS, each instance must prove that it is that host.
    ///
    /// # Errors
    ///
    /// If `url` is refused as in [`instance`](Self::instance).
    pub fn dns(self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self { peers: self.peers.dns(url).map_err(refused)?, ..self })
    }

    /// Trusts the certificate authorities in `pem` instead of the system's authorities. Each further call adds
    /// authorities.
    ///
    /// # Errors
    ///
    /// If `pem` contains no certificate, or one that cannot be parsed.
    pub fn authority(self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Ok(Self { peers: self.peers.authority(pem).map_err(refused)?, ..self })
    }

    /// Allows plain HTTP to all peers that are added after this call, wherever they are.
    ///
    /// # Security
    ///
    /// Use it only if no stranger can read the network or answer for a name in it, or if the network is encrypted below
    /// HTTP. Each request contains the secret, and each answer describes the memory of the instance.
    pub fn allow_plain_http(self) -> Self {
        Self { peers: self.peers.allow_plain_http(), ..self }
    }

    /// The logins that are accepted from peers.
    pub(crate) fn accepted(&self) -> &Credentials {
        &self.accepted
    }

    /// Whether the secret is also an operator's password.
    pub(crate) fn share_a_password_with(&self, operators: &Credentials) -> bool {
        operators.have_password(self.secret.expose().as_bytes())
    }

    /// Whether the list has no peers.
    pub(crate) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// The same peers for another endpoint. Endpoints do not share answers of peers.
    pub(crate) fn of_endpoint(self) -> Self {
        Self { peers: self.peers.on_their_own(), ..self }
    }
}

impl Neighbours for Peers {
    fn id(&self) -> NeighboursId {
        self.peers.id()
    }

    fn ask(&self, query: &FleetQuery<'_>, own: OwnReport<'_>) -> Result<FleetReport, CannotAsk> {
        self.peers.ask(query, own)
    }
}

fn accept(secret: &Secret) -> Result<Credentials, CredentialsError> {
    Ok(Credentials::new(USER, secret.expose())?.role(Role::Read))
}

fn in_file(error: CredentialsError, path: &Path) -> CredentialsError {
    error.at(format_args!("`{}`", path.display()))
}

fn refused(error: PeerError) -> ConfigError {
    let kind = match error.kind() {
        PeerErrorKind::Authority => ConfigErrorKind::InvalidAuthority,
        _ => ConfigErrorKind::InvalidPeer,
    };
    ConfigError::new(kind, error.to_string())
}

/// Shows the addresses without the secret.
impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peers.fmt(f)
    }
}
