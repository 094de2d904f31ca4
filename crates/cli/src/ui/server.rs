//! The listener, and HTTP on its connections.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use memory_debug_fleet::is_loopback;
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::relay::Relay;
use crate::failure::Failure;

/// The most connections at the same time. A browser opens six.
const MAX_CONNECTIONS: usize = 32;

/// How long a browser may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(10);

/// How long a browser may take to send the rest of a request and to read the response.
const TRANSFER: Duration = Duration::from_secs(60);

/// How long to wait when the system lacks the resources for a connection.
const PAUSE: Duration = Duration::from_secs(1);

/// Parses the address to listen on, which no other machine can reach.
pub(crate) fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if is_loopback(address.ip()) => Ok(address),
        Ok(_) => {
            Err("other machines could reach it, and the page needs no password there; use 127.0.0.1 or [::1]"
                .into())
        }
        Err(_) => Err("is not an address with a port, like 127.0.0.1:0".into()),
    }
}

/// Listens on an address of this machine.
///
/// # Errors
///
/// If the address is in use.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let failed = |error: std::io::Error| Failure::local(format!("cannot listen: {error}")).at(&address);
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Answers requests until the program is interrupted. `wait` is how long the instance may take.
///
/// # Errors
///
/// If the system refuses to watch the listener.
pub(crate) fn serve(listener: TcpListener, relay: Relay, wait: Duration) -> Result<Infallible, Failure> {
    let failed = |error: std::io::Error| Failure::local(format!("cannot accept connections: {error}"));
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MAX_CONNECTIONS)
        .build()
        .map_err(failed)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        accept(listener, Arc::new(relay), wait).await
    })
}

async fn accept(
    listener: tokio::net::TcpListener,
    relay: Arc<Relay>,
    wait: Duration,
) -> Result<Infallible, Failure> {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The client gave up before it was accepted.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            // No file descriptors or no memory: wait until some are free.
            Err(_) => {
                sleep(PAUSE).await;
                continue;
            }
        };
        let relay = Arc::clone(&relay);
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let relay = Arc::clone(&relay);
                async move { Ok::<_, Infallible>(relay.answer(request).await) }
            });
            // One request for each connection, so that every connection ends and none stays idle.
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .keep_alive(false)
                .auto_date_header(false)
                .serve_connection(TokioIo::new(stream), answer);
            // Errors matter only to the browser, which notices them.
            let _ = timeout(HEAD + TRANSFER + wait, connection).await;
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s36_listens_only_where_no_other_machine_can_connect() {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            assert!(loopback(address).unwrap_err().contains("use 127.0.0.1"), "{address}");
        }
        assert!(loopback("localhost:0").unwrap_err().contains("127.0.0.1:0"));
        assert!(loopback("127.0.0.1:0").is_ok() && loopback("[::1]:4000").is_ok());
    }

    #[test]
    fn address_that_is_in_use_is_named() {
        let taken = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = taken.local_addr().unwrap();
        let failure = listen(address).unwrap_err().to_string();
        assert!(failure.starts_with(&format!("{address}: cannot listen: ")), "{failure}");
    }
}
