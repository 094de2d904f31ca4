//! Live bytes by route, in a service whose tracer never counts.
#![cfg(all(feature = "jemalloc", feature = "tracer", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of a test")]

use std::convert::Infallible;
use std::hint::black_box;

use http::Request;
use memory_debug_tower::TraceRoutesLayer;
use memory_debug_tower::memory_debug_core::__private::live_samples::{install, live_bytes_by_route};
use memory_debug_tower::tracer::Tracer;
use tower::{ServiceBuilder, ServiceExt, service_fn};

// All objects of a MiB are sampled, and stand for themselves.
memory_debug_tower::install!(lg_prof_sample = 12);

const MIB: usize = 1 << 20;

#[derive(Clone)]
struct Route(&'static str);

fn hold(mib: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(mib * MIB))
}

#[tokio::test]
async fn s61_live_memory_counts_for_the_pattern_of_the_request_that_allocated_it() {
    install().unwrap();
    // It allocates before it returns its future, and in both polls of the future.
    let service = service_fn(|_: Request<()>| {
        let before = hold(1);
        async move {
            let first = hold(2);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>([before, first, hold(4)])
        }
    });
    let layer = TraceRoutesLayer::new(&Tracer::new())
        .pattern(|extensions| extensions.get::<Route>().map(|route| route.0));
    let service = ServiceBuilder::new().layer(layer).service(service);
    let mut kept = Vec::new();
    for (path, route) in [("/items/hunter1", Some(Route("/items/{id}"))), ("/hunter2?token=hunter3", None)] {
        let mut request = Request::put(path).body(()).unwrap();
        if let Some(route) = route {
            request.extensions_mut().insert(route);
        }
        kept.push(service.clone().oneshot(request).await.unwrap());
    }
    let routes = live_bytes_by_route().unwrap();
    let mib =
        |route: &str| routes.iter().find(|(name, ..)| name == route).map(|(_, bytes, _)| bytes / MIB as u64);
    assert_eq!((mib("PUT /items/{id}"), mib("PUT (no route)")), (Some(7), Some(7)));
    assert!(!format!("{routes:?}").contains("hunter"), "{routes:?}");
    drop(kept);
}
