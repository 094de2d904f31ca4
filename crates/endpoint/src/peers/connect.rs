//! Connections to peers, encrypted or not leaving this machine.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use memory_debug_core::MissingReason;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned};

use crate::fleet::exchange::{Missing, missing};
use crate::fleet::timed::{Timed, left};

/// A connection to the first of `addresses` that there is one to.
pub(super) fn connect(addresses: &[SocketAddr], end: Instant) -> Result<Timed<TcpStream>, Missing> {
    let mut failure = ErrorKind::AddrNotAvailable.into();
    for (tried, address) in addresses.iter().enumerate() {
        // One that swallows everything leaves time for the others.
        let others = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let Some(time) = left(end).map(|left| left / others).filter(|time| time.as_micros() > 0) else {
            failure = ErrorKind::TimedOut.into();
            break;
        };
        match TcpStream::connect_timeout(address, time) {
            Ok(stream) => return Ok(Timed::new(stream, end)),
            Err(error) => failure = error,
        }
    }
    Err(missing(&failure))
}

/// How peers have to prove who they are: by `authorities`, or those that the system trusts.
pub(super) fn tls(authorities: Option<Arc<RootCertStore>>) -> Result<Arc<ClientConfig>, Missing> {
    let failed = |detail: &str| (MissingReason::Tls, detail.to_owned());
    let roots = authorities.unwrap_or_else(|| Arc::new(of_system()));
    if roots.is_empty() {
        return Err(failed(
            "this system trusts no authority; install its certificates, or give those of `Peers::authority`",
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|_| failed("TLS cannot be had"))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nothing is kept from one request for the fleet to the next.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// The same connection, to nobody else than `host`.
pub(super) fn encrypt(
    mut stream: Timed<TcpStream>,
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
) -> Result<StreamOwned<ClientConnection, Timed<TcpStream>>, Missing> {
    let mut connection = ClientConnection::new(config, host).map_err(|error| untrusted(&error))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| failure(&error))?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn failure(error: &io::Error) -> Missing {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => untrusted(error),
        None if error.kind() == ErrorKind::TimedOut => missing(error),
        None => (MissingReason::Tls, format!("TLS: {}", error.kind())),
    }
}

/// In our own words: a certificate has others', and names of hosts.
fn untrusted(error: &Error) -> Missing {
    let what = match error {
        // Of the same name, and not the same key.
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is of an authority that is not trusted; `Peers::authority` names others"
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name",
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired"
        }
        Error::InvalidCertificate(_) => "its certificate is not valid",
        Error::InvalidMessage(_) => "it does not speak TLS",
        _ => "TLS failed",
    };
    (MissingReason::Tls, what.to_owned())
}
