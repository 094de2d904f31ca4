//! A server for HTTP/1.1 and HTTP/2 on one port. It recognises the protocol by the first bytes of a
//! connection.

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

/// The time that requests have to finish after `stop`.
const FAREWELL: Duration = Duration::from_secs(30);

/// Serves `app` until `stop` resolves, then waits for running requests to finish.
pub async fn serve<S>(listener: TcpListener, app: S, stop: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<AppBody>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let mut http = Builder::new(TokioExecutor::new());
    // With a timer, hyper waits at most 30 seconds for the head of a request.
    http.http1().timer(TokioTimer::new());
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    eprintln!("cannot accept a connection: {error}");
                    // Probably out of file descriptors. Wait, because other connections may release some.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let service = TowerToHyperService::new(app.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        // Errors of a connection concern only its client, which notices them.
        tokio::spawn(async { drop(connection.await) });
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, connections.shutdown()).await;
}
