//! Names the routes that block a worker.

use std::task::{Context, Poll};

use http::{Extensions, Request};
use memory_debug_endpoint::exports::monitor::{BlockWatchFuture, Label};
use tower_layer::Layer;
use tower_service::Service;

use crate::route_pattern::RoutePattern;

/// Lets the monitor say which route blocks a worker.
///
/// It marks the thread while it polls the future of a request. A request costs a look into a table, and each poll a
/// read of the clock and three stores, whether or not a monitor runs. The monitor still has to know the runtime:
/// `Monitor::watch_runtime`.
///
/// The label of a request is its method and the pattern of its route, never its path, which may hold secrets.
///
/// # Examples
///
/// ```
/// use memory_debug_tower::BlockWatchLayer;
/// use tower::ServiceBuilder;
///
/// struct Route(&'static str);
///
/// // The application's router puts its pattern into the extensions of a request.
/// let layer = BlockWatchLayer::new(|extensions| Some(extensions.get::<Route>()?.0));
/// let service = ServiceBuilder::new().layer(layer);
/// # let _ = service;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct BlockWatchLayer {
    pattern: RoutePattern,
}

/// A service whose polls the monitor sees. Made by [`BlockWatchLayer`].
#[derive(Clone, Copy, Debug)]
pub struct BlockWatch<S> {
    inner: S,
    pattern: RoutePattern,
}

impl BlockWatchLayer {
    /// Labels requests by method, and by the pattern that `pattern` finds. Without a pattern, by the method alone.
    pub fn new(pattern: fn(&Extensions) -> Option<&str>) -> Self {
        Self { pattern }
    }
}

impl<S> Layer<S> for BlockWatchLayer {
    type Service = BlockWatch<S>;

    fn layer(&self, inner: S) -> BlockWatch<S> {
        BlockWatch { inner, pattern: self.pattern }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for BlockWatch<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = BlockWatchFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let label = Label::route(request.method().as_str(), (self.pattern)(request.extensions()));
        BlockWatchFuture::new(label, || self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use memory_debug_endpoint::exports::monitor::__private::polled_route;
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;

    #[derive(Clone)]
    struct Route(String);

    /// What the monitor sees while a request is polled, before and after it has waited.
    async fn seen(request: Request<()>) -> (Option<String>, Option<String>) {
        let layer = BlockWatchLayer::new(|extensions| Some(&extensions.get::<Route>()?.0));
        let service = ServiceBuilder::new().layer(layer).service(service_fn(async |_: Request<()>| {
            let before = polled_route();
            tokio::task::yield_now().await;
            Ok::<_, Infallible>((before, polled_route()))
        }));
        let seen = service.oneshot(request).await.unwrap();
        assert_eq!(polled_route(), None);
        seen
    }

    #[tokio::test]
    async fn s61_a_request_is_labelled_by_its_method_and_its_pattern() {
        let mut request = Request::post("/orders/hunter2?token=hunter3").body(()).unwrap();
        request.extensions_mut().insert(Route("/orders/{id}".into()));
        let label = Some("POST /orders/{id}".to_owned());
        assert_eq!(seen(request).await, (label.clone(), label));
    }

    #[tokio::test]
    async fn s61_a_request_without_a_pattern_is_labelled_by_its_method() {
        let label = Some("GET".to_owned());
        assert_eq!(seen(Request::get("/hunter2").body(()).unwrap()).await, (label.clone(), label));
        let method = Some("(other method)".to_owned());
        let request = Request::builder().method("HUNTER2").uri("/").body(()).unwrap();
        assert_eq!(seen(request).await, (method.clone(), method));
    }
}
