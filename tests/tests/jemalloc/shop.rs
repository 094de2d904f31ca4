//! The unmodified example service, shared by all tests that read its page.

use std::net::SocketAddr;
use std::sync::{LazyLock, mpsc};
use std::thread;

use axum_service::{AppState, Config, app};
use memory_debug_axum::MemoryReport;
use memory_debug_tests::{Connection, OwnProcess, Request, Response, Server, credentials};
use tokio::runtime;
use tokio::sync::Mutex;

/// Started by the first test that needs it, and running until the process ends. All tests share it, because
/// the first layer that needs the names of code caches them.
static ADDRESS: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(
            async move {
                let state = AppState::start(&Config::small());
                let server = Server::start(app(&state, credentials())).await;
                sender.send(server.address()).unwrap();
                std::future::pending::<()>().await;
            },
        );
    });
    receiver.recv().unwrap()
});

/// Sends `request` to the shop. The collection for its answer starts after this call.
pub(crate) async fn send(request: Request) -> Response {
    // Requests that come together may share a collection that began before the last of them. It would miss
    // what a test has just allocated, so requests take turns here.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    Connection::open(*ADDRESS).await.exchange(request).await
}

/// Sends requests together and returns the shop's answers.
pub(crate) async fn send_at_once<const N: usize>(requests: [Request; N]) -> [Response; N] {
    let asking = requests
        .map(|request| tokio::spawn(async move { Connection::open(*ADDRESS).await.exchange(request).await }));
    let mut answers = Vec::new();
    for answer in asking {
        answers.push(answer.await.unwrap());
    }
    answers.try_into().unwrap()
}

/// Requests the page at `target` with the right password.
pub(crate) async fn get(target: &str) -> Response {
    let response = send(Request::get(target).authorized()).await;
    assert_eq!(response.status, 200, "{target}: {response}");
    response
}

/// The current report with all types.
pub(crate) async fn types() -> MemoryReport {
    get("/debug/memory/types?format=json&top=1000").await.report()
}

/// The current report with the types whose name contains `filter`.
pub(crate) async fn types_with(filter: &str) -> MemoryReport {
    get(&format!("/debug/memory/types?format=json&top=1000&filter={filter}")).await.report()
}

/// Runs `body` as the test with the full name `test`, in a process with a shop and no other test.
pub(crate) fn alone(test: &str, body: impl Future<Output = ()>) {
    OwnProcess::run_alone(test, || {
        runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body);
    });
}
