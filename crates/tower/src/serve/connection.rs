//! HTTP on one connection, until the client ends it or leaves it idle.

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use memory_debug_endpoint::Connection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tower_service::Service;

use crate::service::MemoryDebug;

/// How long a connection may stay without a running request.
///
/// It bounds the time until the first request head, the time between requests, and the time to read the end of a
/// response. hyper's own limit for heads is not enough: it starts only after a first line with the HTTP version, and it
/// does not apply to HTTP/2.
const IDLE: Duration = Duration::from_secs(10);

/// Serves `page` over `stream` until the client at `peer` ends the connection or leaves it idle.
pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    page: MemoryDebug<NotFound>,
) {
    if !has_http_date(SystemTime::now()) {
        // If this fails, the client still sees that the connection ends.
        let _ = stream.write_all(CLOCK_IS_WRONG).await;
        return;
    }
    let (running, requests) = watch::channel(0);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let done = Done::begin(&running);
        // No `poll_ready` is needed, because `NotFound` is always ready.
        let response = page.clone().call(request);
        async move {
            let response = response.await;
            drop(done);
            response
        }
    });
    let http = auto::Builder::new(TokioExecutor::new());
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut idle = pin!(idle(requests));
    // Ignore an error of the connection: it matters only to the client, which notices it.
    poll_fn(|context| match connection.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending => idle.as_mut().poll(context),
    })
    .await;
}

/// Whether hyper can write `now` as an HTTP date. hyper formats the date for every connection, and panics before 1970
/// and after the year 9999 (httpdate 1.0, `HttpDate::from`).
fn has_http_date(now: SystemTime) -> bool {
    const YEAR_10_000: u64 = 253_402_300_800;
    now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() < YEAR_10_000)
}

/// The response while the clock has no HTTP date.
const CLOCK_IS_WRONG: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
    content-length: 74\r\nconnection: close\r\n\r\n\
    the clock of this machine is before 1970 or after 9999; correct the clock\n";

/// Completes when no request has been running for [`IDLE`].
async fn idle(mut requests: watch::Receiver<usize>) {
    loop {
        // An error means that the connection was dropped, and then nothing polls this future.
        let _ = requests.wait_for(|running| *running == 0).await;
        let next = requests.wait_for(|running| *running > 0);
        if tokio::time::timeout(IDLE, next).await.is_err() {
            return;
        }
    }
}

/// The client's address, in the extensions of a request.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

/// Describes the connection of a request, for [`MemoryDebugLayer::connection`](crate::MemoryDebugLayer).
pub(super) fn of_request(extensions: &Extensions) -> Connection {
    Connection { peer: extensions.get().map(|Peer(address)| *address), tls: Some(false) }
}

/// Counts a request as finished when dropped, also if the client cancels it.
struct Done(watch::Sender<usize>);

impl Done {
    fn begin(running: &watch::Sender<usize>) -> Self {
        running.send_modify(|running| *running += 1);
        Self(running.clone())
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

/// The application behind the page: answers 404 to every request.
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
        // Does not say where the page is, because any client can read this.
        let mut response = Response::new(Full::from("404 not found\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
        ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_clock_that_would_make_hyper_panic() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(has_http_date(at(0)) && has_http_date(at(253_402_300_799)));
        assert!(!has_http_date(at(253_402_300_800)));
        assert!(!has_http_date(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)));
        assert!(!has_http_date(at(i64::MAX as u64)));
    }

    #[test]
    fn response_for_a_wrong_clock_has_the_right_length() {
        let text = std::str::from_utf8(CLOCK_IS_WRONG).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}, {}", body.len());
    }
}
