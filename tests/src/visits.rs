//! Counts the requests that a service has received and finished, so that tests need not guess.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::watch;
use tower::{Layer, Service};

use crate::time_limit::within_limit;

/// The number of requests that have arrived and ended so far.
#[derive(Debug)]
pub struct Visits {
    arrived: watch::Receiver<usize>,
    left: watch::Receiver<usize>,
}

/// Counts the requests of the service that it wraps. It must wrap that service directly: a request counts as
/// arrived when `call` has returned.
#[derive(Clone, Debug)]
pub struct VisitsLayer {
    arrived: watch::Sender<usize>,
    left: watch::Sender<usize>,
}

/// A service whose requests are counted.
#[derive(Clone, Debug)]
pub struct Visited<S> {
    inner: S,
    counts: VisitsLayer,
}

impl Visits {
    /// The counts, and the layer that updates them.
    pub fn new() -> (Self, VisitsLayer) {
        let ((arrived, arrived_receiver), (left, left_receiver)) = (watch::channel(0), watch::channel(0));
        (Self { arrived: arrived_receiver, left: left_receiver }, VisitsLayer { arrived, left })
    }

    /// Waits until `count` requests have arrived.
    pub async fn arrived(&mut self, count: usize) {
        within_limit(self.arrived.wait_for(|arrived| *arrived >= count)).await.unwrap();
    }

    /// Waits until `count` requests have been answered or abandoned.
    pub async fn left(&mut self, count: usize) {
        within_limit(self.left.wait_for(|left| *left >= count)).await.unwrap();
    }
}

impl<S> Layer<S> for VisitsLayer {
    type Service = Visited<S>;

    fn layer(&self, inner: S) -> Visited<S> {
        Visited { inner, counts: self.clone() }
    }
}

impl<S, R> Service<R> for Visited<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let departure = Departure(self.counts.left.clone());
        let future = self.inner.call(request);
        self.counts.arrived.send_modify(|arrived| *arrived += 1);
        Box::pin(async move {
            let response = future.await;
            drop(departure);
            response
        })
    }
}

/// Counts on drop, which includes clients that hang up: the server then drops the future.
struct Departure(watch::Sender<usize>);

impl Drop for Departure {
    fn drop(&mut self) {
        self.0.send_modify(|left| *left += 1);
    }
}
