//! The example service, with nothing replaced, shared by the tests that read its page.

use std::net::SocketAddr;
use std::sync::{LazyLock, mpsc};
use std::thread;

use axum_service::{AppState, Config, app};
use memory_debug_axum::MemoryReport;
use memory_debug_tests::{Connection, OwnProcess, Request, Response, Server, credentials};
use tokio::runtime;
use tokio::sync::Mutex;

/// Started by the first test that asks, and there until the process ends. One for all, because names of code are
/// remembered by the layer that first needed them.
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

/// The shop's answer to `request`. What it collects is collected after this call.
pub(crate) async fn send(request: Request) -> Response {
    // Requests that come together share a collection that may have begun before the last of them. What a test has just
    // built would then be missing, so here they take turns.
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;
    Connection::open(*ADDRESS).await.exchange(request).await
}

/// The shop's answers to requests that are sent together.
pub(crate) async fn send_at_once<const N: usize>(requests: [Request; N]) -> [Response; N] {
    let asking = requests
        .map(|request| tokio::spawn(async move { Connection::open(*ADDRESS).await.exchange(request).await }));
    let mut answers = Vec::new();
    for answer in asking {
        answers.push(answer.await.unwrap());
    }
    answers.try_into().unwrap()
}

/// The page at `target` for someone with the right password.
pub(crate) async fn get(target: &str) -> Response {
    let response = send(Request::get(target).authorized()).await;
    assert_eq!(response.status, 200, "{target}: {response}");
    response
}

/// All types there are, as they are now.
pub(crate) async fn types() -> MemoryReport {
    get("/debug/memory/types?format=json&top=1000").await.report()
}

/// The types whose name contains `filter`, as they are now.
pub(crate) async fn types_with(filter: &str) -> MemoryReport {
    get(&format!("/debug/memory/types?format=json&top=1000&filter={filter}")).await.report()
}

/// Runs `body` as the test with the full name `test` in a process with a shop and no other test.
pub(crate) fn alone(test: &str, body: impl Future<Output = ()>) {
    OwnProcess::run_alone(test, || {
        runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body);
    });
}
