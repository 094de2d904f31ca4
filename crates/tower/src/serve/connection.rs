//! One connection: HTTP over it, for as long as it has something to do.

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

/// How long a connection may go without a request at work: the time for its first head, between requests, and for the
/// last of an answer to be read. One limit for all three, because hyper's own for heads begins only with a first line
/// that tells the version, and does not hold for HTTP/2.
const IDLE: Duration = Duration::from_secs(10);

/// Serves `page` over `stream` until the client at `peer` ends the connection or leaves it idle.
pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    page: MemoryDebug<NotFound>,
) {
    if !has_http_date(SystemTime::now()) {
        // A client that does not read it learns from the end of the connection.
        let _ = stream.write_all(CLOCK_IS_WRONG).await;
        return;
    }
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

/// Whether hyper can write the time as an HTTP date. It formats the date for every connection, and panics before 1970
/// and after the year 9999 (httpdate 1.0, `HttpDate::from`).
fn has_http_date(now: SystemTime) -> bool {
    const YEAR_10_000: u64 = 253_402_300_800;
    now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() < YEAR_10_000)
}

/// The answer while there is no HTTP date.
const CLOCK_IS_WRONG: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
    content-length: 73\r\nconnection: close\r\n\r\n\
    the clock of this machine is before 1970 or after 9999: set it right now\n";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_http_cannot_write_is_found_before_hyper_panics() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(has_http_date(at(0)) && has_http_date(at(253_402_300_799)));
        assert!(!has_http_date(at(253_402_300_800)));
        assert!(!has_http_date(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)));
        assert!(!has_http_date(at(i64::MAX as u64)));
    }

    #[test]
    fn the_answer_for_a_wrong_clock_is_as_long_as_it_says() {
        let text = std::str::from_utf8(CLOCK_IS_WRONG).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}, {}", body.len());
    }
}
