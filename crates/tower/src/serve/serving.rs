//! The future that serves the page on a bound socket.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::address::ListenAddress;
use super::listener::Listener;
use crate::MemoryDebugLayer;

/// Binds a socket at `address` immediately, and returns the future that serves the page there.
///
/// `page` is either [`Credentials`](crate::Credentials) or a [`MemoryDebugLayer`] with settings.
///
/// # Errors
///
/// The errors of [`Listener::bind`]. This function is not `async`, so that `tokio::spawn` cannot hide an error. Spawn
/// the value that it returns.
///
/// ```compile_fail,E0277
/// # use memory_debug_tower::serve::{ListenAddress, serve};
/// # fn example(page: memory_debug_tower::MemoryDebugLayer, address: ListenAddress) {
/// tokio::spawn(serve(page, address));
/// # }
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime with IO and time.
pub fn serve(page: impl Into<MemoryDebugLayer>, address: impl Into<ListenAddress>) -> io::Result<Serving> {
    let listener = Listener::bind(address)?;
    let address = listener.address().clone();
    Ok(Serving { address, future: Box::pin(listener.serve(page.into())) })
}

/// The future of [`serve`]. Answers requests for as long as it is polled, and never completes.
///
/// Dropping it ends all connections and removes a Unix socket.
#[must_use = "the page answers only while this future is polled: `tokio::spawn` it"]
pub struct Serving {
    address: ListenAddress,
    future: Pin<Box<dyn Future<Output = Infallible> + Send>>,
}

impl Serving {
    /// The address of the socket. If the requested port was 0, it contains the port that the system chose.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }
}

impl Future for Serving {
    type Output = Infallible;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Infallible> {
        self.future.as_mut().poll(context)
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("address", &self.address).finish_non_exhaustive()
    }
}
