//! A bound socket, and the loop that accepts connections.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use memory_debug_endpoint::is_loopback;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tower_layer::Layer;

use super::address::{Kind, ListenAddress, Reach};
use super::connection::{self, NotFound};
#[cfg(unix)]
use super::unix_socket::{self, SocketFile};
use crate::MemoryDebugLayer;

/// The most connections that are open at the same time.
const MAX_CONNECTIONS: usize = 32;

/// The most connections that wait in the kernel, the same number as in tokio's `bind`.
const BACKLOG: u32 = 1024;

/// How long to wait when the system lacks the resources for a connection.
const PAUSE: Duration = Duration::from_secs(1);

/// A bound socket. Connections queue up from now on, and [`serve`](Self::serve) answers them.
///
/// # Examples
///
/// ```
/// use memory_debug_tower::serve::Listener;
/// use memory_debug_tower::{Credentials, generate_password};
/// use std::net::{Ipv4Addr, SocketAddr};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
/// println!("listening on {}", listener.address());
/// let serving = tokio::spawn(listener.serve(Credentials::new("ops", generate_password()?)?));
/// // …
/// serving.abort();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: ListenAddress,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, #[expect(dead_code, reason = "held to be dropped")] SocketFile),
}

impl Listener {
    /// Binds a socket to `address`. Does not wait.
    ///
    /// A Unix socket has the mode 0600 before it is visible at its path. It replaces a socket whose process has ended;
    /// any other file at the path is an error. The socket is removed when the listener, or the future of
    /// [`serve`](Self::serve), is dropped.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a TCP address that is not a loopback address, `AddrInUse` if the path or port is in use, and
    /// other errors of the system. The message names the address and says what to do.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with IO.
    pub fn bind(address: impl Into<ListenAddress>) -> io::Result<Self> {
        let address = address.into();
        match address.0 {
            Kind::Tcp(wanted, Reach::Loopback) if !is_loopback(wanted.ip()) => {
                let message = format!(
                    "refused to listen on {wanted}: the password would cross the network unencrypted; use a loopback \
                     address, a Unix socket or `ListenAddress::insecure_tcp`"
                );
                Err(io::Error::new(ErrorKind::InvalidInput, message))
            }
            Kind::Tcp(wanted, reach) => {
                let listener = bind_tcp(wanted).map_err(|error| cannot_listen(&address, &error))?;
                let address = ListenAddress(Kind::Tcp(listener.local_addr()?, reach));
                Ok(Self { socket: Socket::Tcp(listener), address })
            }
            #[cfg(unix)]
            Kind::Unix(ref path) => {
                let bound = unix_socket::bind(path);
                let (listener, file) = bound.map_err(|error| cannot_listen(&address, &error))?;
                Ok(Self { socket: Socket::Unix(listener, file), address })
            }
        }
    }

    /// The address of the socket. If the requested port was 0, it contains the port that the system chose.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Serves the page for as long as the future is polled. Dropping it ends all connections.
    ///
    /// It never completes. An error on one connection ends only that connection.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with IO and time.
    pub async fn serve(self, page: impl Into<MemoryDebugLayer>) -> Infallible {
        let page = page.into().connection(connection::of_request).layer(NotFound);
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            if connections.len() >= MAX_CONNECTIONS {
                connections.join_next().await;
            }
            let accepted = match &self.socket {
                Socket::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                    connections.spawn(connection::serve(stream, peer.ip(), page.clone()));
                }),
                #[cfg(unix)]
                Socket::Unix(listener, _) => listener.accept().await.map(|(stream, _)| {
                    // Only this machine can reach a Unix socket, so the client counts as local.
                    let peer = Ipv4Addr::LOCALHOST.into();
                    connections.spawn(connection::serve(stream, peer, page.clone()));
                }),
            };
            match accepted.map_err(|error| error.kind()) {
                // The client gave up before it was accepted.
                Ok(()) | Err(ErrorKind::ConnectionAborted) => {}
                // No file descriptors or no memory: wait until some are free.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// Binds like tokio's own `bind`, which is asynchronous only because it looks up names.
fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // With this option a port is free if it has only old connections, and still taken if another process listens on it.
    // On Windows the option would let two processes share the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn cannot_listen(address: &ListenAddress, error: &io::Error) -> io::Error {
    let message =
        format!("cannot listen on {address} for the memory page: {error}{}", advice(address, error));
    io::Error::new(error.kind(), message)
}

/// What to do next.
fn advice(address: &ListenAddress, error: &io::Error) -> &'static str {
    match (&address.0, error.kind()) {
        (Kind::Tcp(..), ErrorKind::AddrInUse) => {
            "; end the other process (`ss -ltnp` names it) or choose another port"
        }
        (Kind::Tcp(..), ErrorKind::PermissionDenied) => "; choose a port from 1024 on",
        (Kind::Tcp(..), ErrorKind::AddrNotAvailable) => {
            "; choose an address that this machine has (`ip address`)"
        }
        #[cfg(unix)]
        (Kind::Unix(_), ErrorKind::AddrInUse) => "; end the other process or choose another path",
        #[cfg(unix)]
        (Kind::Unix(_), ErrorKind::AlreadyExists) => "; remove it or choose another path",
        #[cfg(unix)]
        (Kind::Unix(_), ErrorKind::NotFound) => "; create the folder first",
        #[cfg(unix)]
        (Kind::Unix(_), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            "; choose a folder that this user can write"
        }
        _ => "",
    }
}
