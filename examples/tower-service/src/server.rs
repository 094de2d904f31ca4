//! HTTP/1.1 and HTTP/2 on one port, told apart by the first bytes of a connection.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::Service;

use crate::app::AppBody;

/// How long requests may go on after `stop`.
const FAREWELL: Duration = Duration::from_secs(30);

/// Serves `app` until `stop` resolves, and then lets the requests end that are at work.
pub async fn serve<S>(listener: TcpListener, app: S, stop: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<AppBody>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let mut http = Builder::new(TokioExecutor::new());
    // With a timer, hyper waits 30 seconds for the head of a request and not for ever.
    http.http1().timer(TokioTimer::new());
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    eprintln!("cannot accept a connection: {error}");
                    // Out of file descriptors, most likely: others may give some back.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let service = TowerToHyperService::new(app.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        // How a connection ends is of no interest to anyone but the client, who knows.
        tokio::spawn(async { drop(connection.await) });
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, connections.shutdown()).await;
}
