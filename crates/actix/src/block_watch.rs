//! Names the routes that block a worker.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use memory_debug_endpoint::exports::monitor::{BlockWatchFuture, Label, watch_current_runtime};

/// Lets the monitor see when a worker of actix-web is blocked, and by which route.
///
/// Each worker has a runtime of its own. When a worker makes its application, this middleware lets running monitors
/// watch that runtime, under the name of the thread. `Monitor::watch_runtime` is not needed for it.
///
/// It marks the thread while it polls the future of a request. A request costs a look into a table, and each poll a
/// read of the clock and three stores, whether or not a monitor runs.
///
/// The label of a request is its method and the pattern of its resource, never its path, which may hold secrets.
///
/// # Examples
///
/// ```
/// use actix_web::{App, web};
/// use memory_debug_actix::BlockWatch;
///
/// let app = App::new().wrap(BlockWatch::new()).route("/orders/{id}", web::get().to(async || "order"));
/// # let _ = app;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct BlockWatch;

/// A service whose polls the monitor sees. Made by [`BlockWatch`].
#[derive(Clone, Copy, Debug)]
pub struct BlockWatchMiddleware<S> {
    inner: S,
}

impl BlockWatch {
    /// Labels requests by the patterns of the application.
    pub fn new() -> Self {
        Self
    }
}

impl<S, B> Transform<S, ServiceRequest> for BlockWatch
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = BlockWatchMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        watch_current_runtime();
        ready(Ok(BlockWatchMiddleware { inner }))
    }
}

impl<S, B> Service<ServiceRequest> for BlockWatchMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = BlockWatchFuture<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let label = Label::route(request.method().as_str(), request.match_pattern().as_deref());
        BlockWatchFuture::new(label, || self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use actix_web::test::{TestRequest, call_and_read_body, init_service};
    use actix_web::{App, HttpServer, web};
    use memory_debug_endpoint::exports::monitor::__private::polled_route;
    use memory_debug_endpoint::exports::monitor::Monitor;

    use super::*;

    #[actix_web::test]
    async fn s61_a_request_is_labelled_by_the_pattern_of_its_resource() {
        let handler = async || polled_route().unwrap_or_default();
        let orders = web::scope("/orders").route("/{id}", web::get().to(handler));
        let app = App::new().wrap(BlockWatch::new()).service(orders).default_service(web::to(handler));
        let app = init_service(app).await;
        for (path, label) in [("/orders/hunter2?a=b", "GET /orders/{id}"), ("/hunter2", "GET")] {
            let request = TestRequest::with_uri(path).to_request();
            assert_eq!(call_and_read_body(&app, request).await, label, "{path}");
        }
        assert_eq!(polled_route(), None);
    }

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Far longer than the monitor's threshold.
    fn block() {
        thread::sleep(Duration::from_secs(1));
    }

    #[actix_web::test]
    async fn m9_each_block_of_a_worker_is_one_event_with_its_route() {
        let (tell, told) = channel();
        let monitor = Monitor::new().on_event(move |event| {
            if let Some(block) = event.blocked.clone() {
                tell.send(block).unwrap();
            }
        });
        let monitor = monitor.start().unwrap();
        let app = || {
            App::new()
                .wrap(BlockWatch::new())
                .route("/reports/{name}", web::get().to(async || format!("{:?}", block())))
                .route("/pool", web::get().to(async || format!("{:?}", web::block(block).await.is_ok())))
                .route("/exports/{name}", web::get().to(async || format!("{:?}", block())))
        };
        let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        let server = actix_web::rt::spawn(server);
        let paths = ["/reports/hunter2", "/pool", "/exports/hunter3"];
        let client = thread::spawn(move || paths.map(|path| get(address, path)));
        // The events come in the order of the blocks, so a second event of the first block would be the second one.
        let blocks = web::block(move || [told.recv().unwrap(), told.recv().unwrap()]).await.unwrap();
        let labels = blocks.each_ref().map(|block| block.label.as_deref());
        assert_eq!(labels, [Some("GET /reports/{name}"), Some("GET /exports/{name}")]);
        for block in &blocks {
            assert_eq!(block.threads.len(), 1, "{block:?}");
            assert_eq!(block.threads[0].syscall.as_deref(), Some("clock_nanosleep"));
        }
        assert!(client.join().unwrap().iter().all(|answer| answer.starts_with("HTTP/1.1 200")));
        handle.stop(false).await;
        server.await.unwrap().unwrap();
        drop(monitor);
    }
}
