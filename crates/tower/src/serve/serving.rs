//! The page on a socket that is bound already.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::address::ListenAddress;

/// The page that [`serve`](super::serve()) bound a socket for. Answers for as long as it is polled, and never completes.
///
/// Dropped, it ends all connections and removes a Unix socket.
#[must_use = "the page answers only while this future is polled: `tokio::spawn` it"]
pub struct Serving {
    address: ListenAddress,
    future: Pin<Box<dyn Future<Output = Infallible> + Send>>,
}

impl Serving {
    pub(super) fn new(
        address: ListenAddress,
        future: impl Future<Output = Infallible> + Send + 'static,
    ) -> Self {
        Self { address, future: Box::pin(future) }
    }

    /// Where it listens, with the port that the system chose if it was 0.
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
