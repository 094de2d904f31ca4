//! Tests of when a collection runs, which requests share it, and what the layer costs.

use std::thread;

use tower::service_fn;

use super::*;

#[tokio::test]
async fn s21_services_of_one_layer_and_its_clones_share_one_collection() {
    let fixture = Fixture::new();
    let ask = |layer: MemoryDebugLayer| async move {
        let service = layer.layer(Strict::default());
        service
            .oneshot(request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default()))
            .await
            .unwrap()
            .status()
    };
    let asking: Vec<_> = (0..10).map(|_| tokio::spawn(ask(fixture.layer.clone()))).collect();
    // The runtime has one thread: when this task yields, all others run until they wait.
    tokio::task::yield_now().await;
    fixture.go.send(()).unwrap();
    for asking in asking {
        assert_eq!(asking.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(fixture.collections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s21_outer_of_two_layers_answers() {
    let (outer, inner) = (Fixture::new(), Fixture::new());
    outer.go.send(()).unwrap();
    let service = outer.layer.layer(inner.layer.layer(Strict::default()));
    let response = service
        .oneshot(request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default()))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let counts = [outer, inner].map(|fixture| fixture.collections.load(Ordering::SeqCst));
    assert_eq!(counts, [1, 0]);
}

#[tokio::test]
async fn s41_a_dropped_request_does_not_admit_a_second_collection() {
    let fixture = Fixture::new();
    let mut service = fixture.layer.layer(Strict::default());
    for _ in 0..100 {
        let ready = ready(&mut service).await;
        drop(ready.call(request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default())));
    }
    // The first collection still waits for the signal, so this request joins it.
    let last = ready(&mut service).await.call(request(
        "GET",
        "/debug/memory",
        Some(RIGHT),
        Full::<Bytes>::default(),
    ));
    fixture.go.send(()).unwrap();
    assert_eq!(last.await.unwrap().status(), StatusCode::OK);
    assert_eq!(fixture.collections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s42_a_single_threaded_runtime_serves_others_while_a_collection_runs() {
    let fixture = Fixture::new();
    let mut service = fixture.layer.layer(Strict::default());
    let page = ready(&mut service).await.call(request(
        "GET",
        "/debug/memory",
        Some(RIGHT),
        Full::<Bytes>::default(),
    ));
    let page = tokio::spawn(page);
    for _ in 0..10 {
        let response = ready(&mut service)
            .await
            .call(request("GET", "/", None, Full::<Bytes>::default()))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    assert!(!page.is_finished());
    fixture.go.send(()).unwrap();
    assert_eq!(page.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[test]
fn s42_the_future_is_send() {
    fn assert_send<T: Send>(_: &T) {}
    let mut service = Fixture::new().layer.layer(service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    assert_send(&service.call(request("GET", "/", None, Full::<Bytes>::default())));
}

#[test]
fn future_is_hardly_larger_than_the_inner_future() {
    type Inner = [usize; 16];
    assert!(size_of::<ResponseFuture<Inner>>() <= size_of::<Inner>() + 2 * size_of::<usize>());
    assert!(size_of::<ResponseFuture<()>>() <= 4 * size_of::<usize>());
}

#[cfg(target_os = "linux")]
#[test]
fn s49_building_the_layer_opens_and_starts_nothing() {
    fn entries(directory: &str) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }
    // Runs in a separate process, because other tests of this process start threads.
    if std::env::var_os("MEMORY_DEBUG_TEST_ALONE").is_some() {
        let before = [entries("/proc/self/task"), entries("/proc/self/fd")];
        let layer =
            MemoryDebugLayer::new(Credentials::allow_weak("ops", "secret").unwrap()).service("shop", "1");
        let _service = layer.layer(Strict::default());
        assert_eq!([entries("/proc/self/task"), entries("/proc/self/fd")], before);
        return;
    }
    let this_test = thread::current().name().unwrap().to_owned();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &this_test, "--test-threads=1"])
        .env("MEMORY_DEBUG_TEST_ALONE", "1")
        .status();
    assert!(status.unwrap().success());
}
