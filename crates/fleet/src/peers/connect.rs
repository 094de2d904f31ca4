//! Connections to peers, encrypted or not leaving this machine.

use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use memory_debug_core::{MissingReason, open_regular_file};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned,
};

use crate::fleet::exchange::{Missing, missing};
use crate::fleet::timed::{Timed, left};

/// Longest time for a connection: longer takes only whoever is not there, and others wait to be asked.
const FOR_CONNECTION: Duration = Duration::from_secs(1);

/// The variable that names a file of certificates to trust instead of the system's.
const CERTIFICATES: &str = "SSL_CERT_FILE";

/// A connection that ends by `end`, to the first of `addresses` that there is one to.
pub(super) fn connect(addresses: &[SocketAddr], end: Instant) -> Result<Timed<TcpStream>, Missing> {
    let mut failure = ErrorKind::AddrNotAvailable.into();
    let soon = end.min(Instant::now() + FOR_CONNECTION);
    let number = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for (address, untried) in addresses.iter().zip((1..=number).rev()) {
        let Some(left) = left(soon) else {
            failure = ErrorKind::TimedOut.into();
            break;
        };
        // One that swallows everything leaves time for the others. The system takes microseconds.
        let time = (left / untried).max(Duration::from_micros(1));
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
    let roots = match authorities {
        Some(roots) => roots,
        None => Arc::new(of_system(env::var_os(CERTIFICATES)).map_err(|what| failed(&what))?),
    };
    if roots.is_empty() {
        return Err(failed(
            "this system trusts no authority; install its certificates, or give those of `Peers::authority`",
        ));
    }
    let config =
        ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(SystemClock));
    let config = config.with_safe_default_protocol_versions().map_err(|_| failed("TLS cannot be had"))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nothing is kept from one request for the fleet to the next.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The system clock for certificates. rustls's own panics before 1970 (rustls-pki-types 1.15, `UnixTime::now`).
#[derive(Debug)]
struct SystemClock;

impl TimeProvider for SystemClock {
    fn current_time(&self) -> Option<UnixTime> {
        unix_time(SystemTime::now())
    }
}

fn unix_time(time: SystemTime) -> Option<UnixTime> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
}

/// Those that the system trusts, with the file that the environment names instead, which has to be one: to read a pipe
/// waits for a writer.
fn of_system(file: Option<OsString>) -> Result<RootCertStore, String> {
    if let Some(error) = file.and_then(|path| open_regular_file(Path::new(&path)).err()) {
        let why = if error.kind() == ErrorKind::InvalidInput {
            error.to_string()
        } else {
            error.kind().to_string()
        };
        return Err(format!("the certificates that {CERTIFICATES} names cannot be read: {why}; correct it"));
    }
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Ok(roots)
}

/// A connection that nobody else reads. What goes wrong with that is told in words of ours.
pub(super) struct Encrypted(StreamOwned<ClientConnection, Timed<TcpStream>>);

/// The same connection, to nobody else than `host`.
pub(super) fn encrypt(
    mut stream: Timed<TcpStream>,
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
) -> Result<Encrypted, Missing> {
    let failed = |what: &str| (MissingReason::Tls, what.to_owned());
    let mut connection = ClientConnection::new(config, host).map_err(|error| failed(in_words(&error)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| match told(error) {
            error if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::InvalidData) => missing(&error),
            // It is there, and goes away from TLS.
            error => failed(&format!("TLS: {}", error.kind())),
        })?;
    }
    Ok(Encrypted(StreamOwned::new(connection, stream)))
}

impl Read for Encrypted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(told)
    }
}

impl Write for Encrypted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(told)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(told)
    }
}

/// The same error, in words of ours if it is of TLS.
fn told(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(inner) => io::Error::new(ErrorKind::InvalidData, in_words(inner)),
        None => error,
    }
}

/// In our own words: a certificate has others', and names of hosts.
fn in_words(error: &Error) -> &'static str {
    match error {
        Error::InvalidCertificate(error) => match error {
            // Of the same name, and not the same key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is of an authority that is not trusted; `Peers::authority` names others"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; are the clocks right?"
            }
            _ => "its certificate is not valid",
        },
        Error::InvalidMessage(_) => "it does not speak TLS",
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a certificate of whoever asks, and peers have none"
        }
        Error::AlertReceived(_) => "it refused TLS as it is spoken here",
        Error::FailedToGetCurrentTime => {
            "the clock of this machine is before 1970, so no certificate can be checked; set the clock"
        }
        Error::PeerIncompatible(_) => "it does not speak TLS as it is spoken here",
        _ => "TLS failed",
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn an_address_that_swallows_everything_leaves_time_for_the_others() {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (full, free) = (listen(), listen());
        let addresses = [&full, &free].map(|listener| listener.local_addr().unwrap());
        // Nobody accepts them, so that the queue is full at last.
        let queued = |_| TcpStream::connect_timeout(&addresses[0], Duration::from_millis(100)).ok();
        let queued: Vec<_> = (0..10_000).map_while(queued).collect();
        let found = connect(&addresses, Instant::now() + Duration::from_secs(2));
        assert!(found.is_ok(), "{found:?} with {} in the queue", queued.len());
        free.set_nonblocking(true).unwrap();
        assert!(free.accept().is_ok());
    }

    #[test]
    fn s45_certificates_are_read_from_a_file_and_nothing_is_waited_for() {
        for (path, what) in [
            ("/dev/zero", "it is a device, not a regular file"),
            ("/", "it is a folder, not a regular file"),
            ("/none", "entity not found"),
        ] {
            let refused = of_system(Some(path.into())).unwrap_err();
            let expected =
                format!("the certificates that SSL_CERT_FILE names cannot be read: {what}; correct it");
            assert_eq!(refused, expected);
        }
    }

    #[test]
    fn a_clock_before_1970_is_no_time_for_certificates_and_no_panic() {
        let at =
            |seconds| unix_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap().as_secs();
        assert_eq!([0, 7, i64::MAX as u64].map(at), [0, 7, i64::MAX as u64]);
        assert!(unix_time(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)).is_none());
        assert!(in_words(&Error::FailedToGetCurrentTime).contains("clock"));
    }

    #[test]
    fn without_time_nobody_is_tried() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let missing = connect(&[listener.local_addr().unwrap()], Instant::now()).unwrap_err();
        assert_eq!(missing.0, MissingReason::Deadline);
        assert_eq!(connect(&[], Instant::now()).unwrap_err().0, MissingReason::Unreachable);
    }
}
