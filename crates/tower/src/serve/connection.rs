//! One connection: HTTP over it, for as long as it has something to do.

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use memory_debug_endpoint::Connection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower_service::Service;

use crate::service::MemoryDebug;

/// How long a connection may go without a request at work: the time for its first head, between requests, and for the
/// last of an answer to be read. One limit for all three, because hyper's own for heads begins only with a first line
/// that tells the version, and does not hold for HTTP/2.
const IDLE: Duration = Duration::from_secs(10);

/// Serves `page` over `stream` until the client at `peer` ends the connection or leaves it idle.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    page: MemoryDebug<NotFound>,
) {
    let (at_work, requests) = watch::channel(0);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let done = Done::begin(&at_work);
        // Needs no `poll_ready`: `NotFound` is always ready.
        let answer = page.clone().call(request);
        async move {
            let answer = answer.await;
            drop(done);
            answer
        }
    });
    let http = auto::Builder::new(TokioExecutor::new());
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut idle = pin!(idle(requests));
    // How a connection ends is of no interest to anyone but the client, who knows.
    poll_fn(|context| match connection.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending => idle.as_mut().poll(context),
    })
    .await;
}

/// Completes when no request has been at work for [`IDLE`].
async fn idle(mut requests: watch::Receiver<usize>) {
    loop {
        // An error means that the connection is gone, and whoever polls this with it.
        let _ = requests.wait_for(|at_work| *at_work == 0).await;
        let next = requests.wait_for(|at_work| *at_work > 0);
        if tokio::time::timeout(IDLE, next).await.is_err() {
            return;
        }
    }
}

/// Where a request comes from, among its extensions.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

/// What is known of the connection that a request came on.
pub(super) fn known(extensions: &Extensions) -> Connection {
    Connection { peer: extensions.get().map(|Peer(address)| *address), tls: Some(false) }
}

/// Counts a request as done when dropped, also if the client withdraws it.
struct Done(watch::Sender<usize>);

impl Done {
    fn begin(at_work: &watch::Sender<usize>) -> Self {
        at_work.send_modify(|at_work| *at_work += 1);
        Self(at_work.clone())
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        self.0.send_modify(|at_work| *at_work -= 1);
    }
}

/// Stands where a service has its application.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotFound;

impl<B> Service<Request<B>> for NotFound {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        // Says nothing of where the page is: that is for those who know.
        let mut response = Response::new(Full::from("404 not found\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
        ready(Ok(response))
    }
}
