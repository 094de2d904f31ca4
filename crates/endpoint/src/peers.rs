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

/// The user name that peers ask each other with. The audit names them by it.
const USER: &str = "memory-debug-peer";

/// Instances elsewhere, and the secret that they share: see [`Endpoint::peers`](crate::Endpoint::peers).
///
/// # Security
///
/// The secret is sent to the addresses that are named here, over TLS unless they are on this machine
/// ([`allow_plain_http`](Self::allow_plain_http)). On this machine, any user who may run programs can listen at an address
/// while the instance is down, and gets the secret: on a machine with several users use TLS, or
/// [`siblings`](crate::Endpoint::siblings), which check the user. The secret must differ from operators' passwords. It
/// opens the overview of each instance, for requests that peers make, and nothing else.
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
    /// The secret that is sent.
    secret: Secret,
    /// The secrets that are accepted.
    accepted: Credentials,
    peers: memory_debug_fleet::Peers,
}

impl Peers {
    /// Peers that share `secret`, which is sent to them and accepted from them.
    ///
    /// # Errors
    ///
    /// If the secret can be guessed or cannot be sent: as for passwords of [`Credentials::new`].
    pub fn new(secret: impl Into<String>) -> Result<Self, CredentialsError> {
        Self::of(Secret::new(secret))
    }

    /// Peers that share the secret in a file, without the line break at its end. The file is read once.
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
        let peers = memory_debug_fleet::Peers::new(Caller::basic(USER, secret.expose()));
        Ok(Self { secret, accepted, peers })
    }

    /// Accepts another secret too, while the secret of all instances is being changed: first all accept the new one, then
    /// all send it, then none accepts the old one.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and if there are more than 8.
    pub fn accept(self, other: impl Into<String>) -> Result<Self, CredentialsError> {
        self.also(&Secret::new(other))
    }

    /// Accepts the secret in a file too, without the line break at its end.
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
    /// If `url` is not the address of a page, or too many are named.
    pub fn instance(self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self { peers: self.peers.instance(url).map_err(refused)?, ..self })
    }

    /// Names the pages at all addresses (A, AAAA) of a host, which is looked up for each request: for example those of a
    /// headless service in Kubernetes. Over TLS, each of them must prove to be that host.
    ///
    /// # Errors
    ///
    /// As [`instance`](Self::instance).
    pub fn dns(self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self { peers: self.peers.dns(url).map_err(refused)?, ..self })
    }

    /// Trusts the authorities whose certificates are in `pem` instead of those that the system trusts. Calling it again
    /// adds to them.
    ///
    /// # Errors
    ///
    /// If `pem` contains no certificate, or one that cannot be parsed.
    pub fn authority(self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Ok(Self { peers: self.peers.authority(pem).map_err(refused)?, ..self })
    }

    /// Lets the peers that are named from here on be asked by plain HTTP, wherever they are.
    ///
    /// # Security
    ///
    /// Only for a network that nobody else can read and whose names nobody else can answer for, or that is encrypted
    /// below HTTP: each request contains the secret, and each answer what the instance holds.
    pub fn allow_plain_http(self) -> Self {
        Self { peers: self.peers.allow_plain_http(), ..self }
    }

    /// The logins that peers ask with.
    pub(crate) fn accepted(&self) -> &Credentials {
        &self.accepted
    }

    /// Whether the secret is also an operator's password.
    pub(crate) fn share_a_password_with(&self, operators: &Credentials) -> bool {
        operators.have_password(self.secret.expose().as_bytes())
    }

    /// Whether no peer is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// The same peers for another endpoint, which shares no answers with others.
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
    error.of(format_args!("`{}`", path.display()))
}

fn refused(error: PeerError) -> ConfigError {
    let kind = match error.kind() {
        PeerErrorKind::Authority => ConfigErrorKind::InvalidAuthority,
        _ => ConfigErrorKind::InvalidPeer,
    };
    ConfigError::new(kind, error.to_string())
}

/// Shows the addresses, and nothing of the secret.
impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peers.fmt(f)
    }
}
