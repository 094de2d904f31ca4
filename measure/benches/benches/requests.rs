//! Requests without a collection: requests for the application, and refused requests.

use axum::http::StatusCode;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memory_debug_benches::{
    application_request, refused_request, router_under_identity, router_under_layer, serve,
};

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("requests");
    group.throughput(Throughput::Elements(1));
    let (mut under_layer, mut under_identity) = (router_under_layer(), router_under_identity());
    group.bench_function("application/identity", |bencher| {
        bencher.iter(|| serve(&mut under_identity, application_request(), StatusCode::OK));
    });
    group.bench_function("application/layer", |bencher| {
        bencher.iter(|| serve(&mut under_layer, application_request(), StatusCode::OK));
    });
    group.bench_function("refused", |bencher| {
        bencher.iter(|| serve(&mut under_layer, refused_request(), StatusCode::UNAUTHORIZED));
    });
    group.finish();
}

criterion_group!(benches, requests);
criterion_main!(benches);
