//! A service on a real socket.

use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum::http::{Request as HttpRequest, Response as HttpResponse};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinSet;
use tower::Service;

use crate::client::{Connection, Request, Response};

/// An application served as in production, on a free port of the loopback interface. It ends on drop.
pub struct Server {
    address: SocketAddr,
    end: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Server {
    /// Serves `app` with axum, on the runtime of the caller.
    pub async fn start(app: Router) -> Self {
        let (listener, address) = bind();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self::ended_by(address, move || serving.abort())
    }

    /// Serves `service` with hyper alone, on the runtime of the caller.
    pub async fn hyper<S, B>(service: S) -> Self
    where
        S: Service<HttpRequest<hyper::body::Incoming>, Response = HttpResponse<B>> + Clone + Send + 'static,
        S::Error: std::error::Error + Send + Sync,
        S::Future: Send,
        B: hyper::body::Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static,
    {
        let (listener, address) = bind();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(service.clone());
                connections.spawn(async move {
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self::ended_by(address, move || serving.abort())
    }

    /// Runs the actix-web server that `make` creates from a listener, on its own threads.
    pub fn actix(make: impl FnOnce(TcpListener) -> actix_web::dev::Server) -> Self {
        let (listener, address) = bind();
        let server = make(listener);
        let handle = server.handle();
        tokio::spawn(server);
        Self::ended_by(address, move || drop(handle.stop(false)))
    }

    /// A server at `address` that runs until `end` is called.
    pub fn ended_by(address: SocketAddr, end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { address, end: Some(Box::new(end)) }
    }

    /// The address that the server listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends `request` on a new connection and returns the answer.
    pub async fn send(&self, request: Request) -> Response {
        Connection::open(self.address).await.exchange(request).await
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
