//! Connections to peers.

use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use memory_debug_core::open_regular_file;
use memory_debug_report::MissingReason;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned};

use crate::deadline::time_left;
use crate::exchange::Timed;
use crate::exchange::missing;
use crate::missing::Missing;
use crate::tls::TlsFailure;

/// Maximum time to connect. A host that needs longer is probably down, and other peers are waiting.
const FOR_CONNECTION: Duration = Duration::from_secs(1);

/// The environment variable that names a file of certificates to use instead of the system's.
const CERTIFICATES: &str = "SSL_CERT_FILE";

/// Connects to the first of `addresses` that accepts the connection, which then has the deadline `end`.
pub(super) fn connect(addresses: &[SocketAddr], end: Instant) -> Result<Timed<TcpStream>, Missing> {
    let mut failure = ErrorKind::AddrNotAvailable.into();
    let soon = end.min(Instant::now() + FOR_CONNECTION);
    let number = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for (address, untried) in addresses.iter().zip((1..=number).rev()) {
        let Some(left) = time_left(soon) else {
            failure = ErrorKind::TimedOut.into();
            break;
        };
        // Each address gets a share of the time, because it may never answer. The system counts microseconds.
        let time = (left / untried).max(Duration::from_micros(1));
        match TcpStream::connect_timeout(address, time) {
            Ok(stream) => return Ok(Timed::new(stream, end)),
            Err(error) => failure = error,
        }
    }
    Err(missing(&failure))
}

/// The TLS configuration for peers. Their certificates must come from `authorities`, or from the system's authorities
/// if that is `None`.
pub(super) fn tls(authorities: Option<Arc<RootCertStore>>) -> Result<Arc<ClientConfig>, Missing> {
    let failed = |detail: &str| Missing::new(MissingReason::Tls, detail);
    let roots = match authorities {
        Some(roots) => roots,
        None => Arc::new(system_authorities(env::var_os(CERTIFICATES)).map_err(|what| failed(&what))?),
    };
    if roots.is_empty() {
        return Err(failed(
            "this system trusts no authority; install certificates (package ca-certificates), or call \
             `Peers::authority`",
        ));
    }
    let config =
        ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(SystemClock));
    let config = config.with_safe_default_protocol_versions().map_err(|_| failed("TLS cannot be set up"))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // No session is kept from one request for the fleet to the next.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The system clock for certificates. The default clock of rustls panics before 1970 (rustls-pki-types 1.15,
/// `UnixTime::now`).
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

/// The authorities that the system trusts, or the authorities in `file`, which the environment can name instead. It
/// must be a regular file, because reading a pipe would wait for a writer.
fn system_authorities(file: Option<OsString>) -> Result<RootCertStore, String> {
    if let Some(error) = file.and_then(|path| open_regular_file(Path::new(&path)).err()) {
        let why = if error.kind() == ErrorKind::InvalidInput {
            error.to_string()
        } else {
            error.kind().to_string()
        };
        return Err(format!(
            "the certificates named by {CERTIFICATES} cannot be read: {why}; correct the variable"
        ));
    }
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be parsed are left out.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Ok(roots)
}

/// An encrypted connection. It reports TLS errors in our own words.
pub(super) struct Encrypted(StreamOwned<ClientConnection, Timed<TcpStream>>);

/// Encrypts a connection, and checks that `host` is at the other end.
pub(super) fn encrypt(
    mut stream: Timed<TcpStream>,
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
) -> Result<Encrypted, Missing> {
    let failed = |what: String| Missing::new(MissingReason::Tls, what);
    let mut connection = ClientConnection::new(config, host).map_err(|error| failed(words(&error)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| match in_our_words(error) {
            error if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::InvalidData) => missing(&error),
            // The peer accepted the connection, but closed it during the handshake.
            error => failed(format!("TLS: {}", error.kind())),
        })?;
    }
    Ok(Encrypted(StreamOwned::new(connection, stream)))
}

impl Read for Encrypted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(in_our_words)
    }
}

impl Write for Encrypted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(in_our_words)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(in_our_words)
    }
}

/// Replaces the message of a TLS error with our own. Returns other errors unchanged.
fn in_our_words(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(inner) => io::Error::new(ErrorKind::InvalidData, words(inner)),
        None => error,
    }
}

fn words(error: &Error) -> String {
    let failure = TlsFailure::from(error);
    let advice = if failure == TlsFailure::Untrusted { "; `Peers::authority` adds authorities" } else { "" };
    format!("{}{advice}", failure.words())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn an_address_that_never_answers_leaves_time_for_the_others() {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (full, free) = (listen(), listen());
        let addresses = [&full, &free].map(|listener| listener.local_addr().unwrap());
        // No connection is accepted, so the queue fills up.
        let queued = |_| TcpStream::connect_timeout(&addresses[0], Duration::from_millis(100)).ok();
        let queued: Vec<_> = (0..10_000).map_while(queued).collect();
        let found = connect(&addresses, Instant::now() + Duration::from_secs(2));
        assert!(found.is_ok(), "{found:?} with {} in the queue", queued.len());
        free.set_nonblocking(true).unwrap();
        assert!(free.accept().is_ok());
    }

    #[test]
    fn s45_a_certificate_file_that_is_not_regular_is_refused_at_once() {
        for (path, what) in [
            ("/dev/zero", "it is a device, not a regular file"),
            ("/", "it is a folder, not a regular file"),
            ("/none", "entity not found"),
        ] {
            let refused = system_authorities(Some(path.into())).unwrap_err();
            let expected = format!(
                "the certificates named by SSL_CERT_FILE cannot be read: {what}; correct the variable"
            );
            assert_eq!(refused, expected);
        }
    }

    #[test]
    fn a_clock_before_1970_is_an_error_and_not_a_panic() {
        let at =
            |seconds| unix_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap().as_secs();
        assert_eq!([0, 7, i64::MAX as u64].map(at), [0, 7, i64::MAX as u64]);
        assert!(unix_time(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)).is_none());
        assert!(words(&Error::FailedToGetCurrentTime).contains("clock"));
    }

    #[test]
    fn after_the_deadline_no_address_is_tried() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let missing = connect(&[listener.local_addr().unwrap()], Instant::now()).unwrap_err();
        assert_eq!(missing.reason, MissingReason::Deadline);
        assert_eq!(connect(&[], Instant::now()).unwrap_err().reason, MissingReason::Unreachable);
    }
}
