//! Live bytes by route, in a service whose tracer never counts.
#![cfg(all(feature = "jemalloc", feature = "tracer", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of a test")]

use std::hint::black_box;
use std::sync::Mutex;

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::{self, Data};
use memory_debug_actix::TraceRoutes;
use memory_debug_actix::tracer::{Tracer, inherit_route};
use memory_debug_endpoint::memory_debug_core::__private::live_samples::{install, live_bytes_by_route};

// All objects of a MiB are sampled, and stand for themselves.
memory_debug_actix::install!(lg_prof_sample = 12);

const MIB: usize = 1 << 20;

type Kept = Data<Mutex<Vec<Vec<u8>>>>;

fn keep(kept: &Kept, mib: usize) {
    let held: Vec<u8> = black_box(Vec::with_capacity(mib * MIB));
    kept.lock().unwrap().push(held);
}

#[actix_web::test]
async fn s61_live_memory_counts_for_the_pattern_of_the_request_that_allocated_it() {
    install().unwrap();
    let item = async |kept: Kept| {
        keep(&kept, 1);
        actix_web::rt::task::yield_now().await;
        keep(&kept, 2);
        "kept"
    };
    let spawns = async |kept: Kept| {
        actix_web::rt::spawn(inherit_route(async move { keep(&kept, 8) })).await.unwrap();
        "kept"
    };
    let kept = Kept::default();
    let app = App::new()
        .app_data(kept.clone())
        .wrap(TraceRoutes::new(&Tracer::new()))
        .route("/items/{id}", web::get().to(item))
        .route("/spawns", web::get().to(spawns));
    let app = init_service(app).await;
    for path in ["/items/hunter1", "/items/hunter2?token=hunter3", "/spawns"] {
        call_service(&app, TestRequest::with_uri(path).to_request()).await;
    }
    let routes = live_bytes_by_route().unwrap();
    let mib =
        |route: &str| routes.iter().find(|(name, ..)| name == route).map(|(_, bytes, _)| bytes / MIB as u64);
    assert_eq!((mib("GET /items/{id}"), mib("GET /spawns")), (Some(6), Some(8)));
    assert!(!format!("{routes:?}").contains("hunter"), "{routes:?}");
    drop(kept);
}
