//! Limits of the cost of requests, however many there are and however they end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use memory_debug_actix::MemoryDebug;
use memory_debug_axum::{Credentials, Limits, MemoryDebugLayer, Scope};
use memory_debug_tests::{
    Connection, CountingCollector, GateKeeper, GatedCollector, Request, Response, Server, Visits,
    authorization, basic, credentials, within_limit,
};
use tokio::task::JoinSet;
use tower::ServiceBuilder;

use crate::{http2, shop};

/// Serves the page of a collector that blocks, and `/` beside it.
async fn serve_gated(limits: Limits) -> (Server, GateKeeper, Visits) {
    let (collector, keeper) = GatedCollector::new();
    let (visits, count) = Visits::new();
    let layer = MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.collect_with(collector).limits(limits));
    let around_the_page = ServiceBuilder::new().layer(count).layer(layer);
    let app = Router::new().layer(around_the_page).route("/", get(|| async { "home" }));
    (Server::start(app).await, keeper, visits)
}

fn page() -> Request {
    Request::get("/debug/memory").authorized()
}

/// Sends a request without waiting for the answer.
async fn ask(server: &Server, request: Request) -> Connection {
    let mut connection = Connection::open(server.address()).await;
    connection.send_head(request).await;
    connection
}

#[tokio::test]
async fn s40_a_thousand_requests_at_once_share_one_collection() {
    let (server, keeper, mut visits) = serve_gated(Limits::default()).await;
    let mut waiting = Vec::new();
    // Ten sockets instead of a thousand, which some machines do not allow.
    for _ in 0..10 {
        let connection = http2::Connection::open(server.address()).await;
        for number in 0..100 {
            let target =
                ["/debug/memory", "/debug/memory/types", "/debug/memory/types?top=7&format=json"][number % 3];
            let mut connection = connection.clone();
            waiting.push(tokio::spawn(async move {
                connection.send("GET", target, &[("authorization", &authorization())]).await
            }));
        }
    }
    visits.arrived(1000).await;
    assert_eq!(keeper.runs(), 1);
    keeper.let_through();
    for answer in waiting {
        assert_eq!(answer.await.unwrap().0, 200);
    }
    assert_eq!(keeper.runs(), 1);
}

#[tokio::test]
async fn s40_statistics_do_not_wait_for_types() {
    let (server, mut keeper, _) = serve_gated(Limits::default()).await;
    let mut types = ask(&server, Request::get("/debug/memory/types").authorized()).await;
    assert_ne!(keeper.begun().await, Scope::Stats);
    let mut stats = ask(&server, Request::get("/debug/memory/stats").authorized()).await;
    assert_eq!(keeper.begun().await, Scope::Stats);
    drop(keeper);
    assert_eq!(types.receive().await.status, 200);
    assert_eq!(stats.receive().await.status, 200);
}

#[tokio::test]
async fn s41_clients_that_hang_up_do_not_admit_a_second_collection() {
    let (server, keeper, mut visits) = serve_gated(Limits::default()).await;
    for number in 1..=100 {
        let connection = ask(&server, page()).await;
        visits.arrived(number).await;
        drop(connection);
        visits.left(number).await;
    }
    assert_eq!((keeper.runs(), keeper.most_at_once()), (1, 1));

    // The running collection still answers new requests, and releases its permit at the end.
    let mut stays = ask(&server, page()).await;
    visits.arrived(101).await;
    keeper.let_through();
    assert_eq!(stays.receive().await.status, 200);
    keeper.let_through();
    assert_eq!(server.send(page()).await.status, 200);
    assert_eq!((keeper.runs(), keeper.most_at_once()), (2, 1));
}

#[tokio::test]
async fn s42_other_routes_answer_while_a_collection_runs() {
    // The runtime of this test has one thread. If it were blocked, nothing below would be answered.
    let (server, mut keeper, _) = serve_gated(Limits::default()).await;
    let mut waiting = ask(&server, page()).await;
    keeper.begun().await;
    for _ in 0..100 {
        assert_eq!(server.send(Request::get("/")).await.text(), "home");
        assert_eq!(server.send(Request::get("/debug/memory")).await.status, 401);
        assert_eq!(server.send(Request::new("HEAD", "/debug/memory").authorized()).await.status, 200);
    }
    keeper.let_through();
    assert_eq!(waiting.receive().await.status, 200);
}

#[tokio::test]
async fn s43_a_collection_that_does_not_end_is_abandoned_and_no_second_one_begins() {
    let (server, mut keeper, _) = serve_gated(Limits::default().deadline(Duration::ZERO)).await;
    assert_eq!(server.send(page()).await.status, 504);
    keeper.begun().await;
    for _ in 0..10 {
        let busy = server.send(page()).await;
        assert_eq!(busy.status, 503, "{busy}");
        assert!(busy.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().unwrap() >= 1));
    }
    assert_eq!(keeper.runs(), 1);
    assert_eq!(server.send(Request::get("/")).await.text(), "home");
}

#[tokio::test]
async fn s43_after_a_late_collection_ends_the_page_works_again() {
    // Long enough for immediate collections on any machine. The gate stays closed for longer.
    let (server, mut keeper, _) = serve_gated(Limits::default().deadline(Duration::from_millis(500))).await;
    assert_eq!(server.send(page()).await.status, 504);
    keeper.begun().await;
    drop(keeper);
    // A test cannot see when the collecting thread ends, so repeat the request until it has.
    within_limit(async {
        let mut answer = server.send(page()).await;
        while answer.status != 200 {
            assert!(matches!(answer.status, 503 | 504), "{answer}");
            answer = server.send(page()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn s45_the_number_of_waiting_requests_is_limited() {
    let (server, keeper, mut visits) = serve_gated(Limits::default().max_waiters(3)).await;
    let mut waiting = Vec::new();
    for number in 1..=3 {
        waiting.push(ask(&server, page()).await);
        visits.arrived(number).await;
    }
    let refused = server.send(page()).await;
    assert_eq!((refused.status, refused.header("retry-after").as_deref()), (429, Some("1")), "{refused}");
    // A client that hangs up makes room.
    waiting.pop();
    visits.left(2).await;
    waiting.push(ask(&server, page()).await);
    visits.arrived(5).await;
    keeper.let_through();
    for mut connection in waiting {
        assert_eq!(connection.receive().await.status, 200);
    }
    assert_eq!(keeper.runs(), 1);
}

#[tokio::test]
async fn s45_a_page_beyond_the_limit_is_truncated_and_says_so() {
    let ask = async |target: &str| -> Response {
        // Rows make up most of a page, but a process that has just started has few rows.
        // Other tests of this process end meanwhile, so the page may lose rows before the limit matters.
        let limit = shop::get(target).await.body.len() / 2;
        let layer = MemoryDebugLayer::new(credentials())
            .configure(|endpoint| endpoint.limits(Limits::default().max_body_bytes(limit)));
        let server = Server::start(Router::new().layer(layer)).await;
        let response = server.send(Request::get(target).authorized()).await;
        assert_eq!(response.status, 200, "{response}");
        assert!(response.body.len() <= limit);
        response
    };
    let text = ask("/debug/memory/types?top=1000").await;
    assert!(text.text().contains("truncated: "), "{text}");
    let json = ask("/debug/memory/types?top=1000&format=json").await.json();
    assert_eq!(json["truncated"], true);
    assert!(json["types"]["omitted_rows"].as_u64() > Some(0), "{json}");
}

#[tokio::test]
async fn s45_a_client_that_does_not_read_its_answer_delays_no_other() {
    let (server, keeper, mut visits) = serve_gated(Limits::default()).await;
    let unread = ask(&server, page()).await;
    visits.arrived(1).await;
    keeper.let_through();
    visits.left(1).await;
    drop(keeper);
    assert_eq!(server.send(page()).await.status, 200);
    drop(unread);
}

#[tokio::test]
async fn s47_all_requests_of_a_collection_that_panics_are_answered() {
    let (server, keeper, mut visits) = serve_gated(Limits::default()).await;
    let mut waiting = [ask(&server, page()).await, ask(&server, page()).await];
    visits.arrived(2).await;
    keeper.let_panic();
    for connection in &mut waiting {
        let response = connection.receive().await;
        assert_eq!(response.status, 500, "{response}");
        assert!(response.text().starts_with("500 collector panicked: "), "{response}");
    }
    assert_eq!(keeper.runs(), 1);
}

#[tokio::test]
async fn s47_after_a_panic_the_next_request_works() {
    let (server, keeper, _) = serve_gated(Limits::default()).await;
    // Repeated, because the next request can arrive while the thread that panicked is still ending.
    for round in 1..=100 {
        keeper.let_panic();
        assert_eq!(server.send(page()).await.status, 500);
        keeper.let_through();
        assert_eq!(server.send(page()).await.status, 200, "in round {round}");
    }
    assert_eq!((keeper.runs(), keeper.most_at_once()), (200, 1));
}

/// A different view for each number.
fn view_of(number: usize) -> String {
    format!("/debug/memory/types?filter=view-{number}")
}

const OTHER_PASSWORD: &str = "wD6Rz3o-WnTnbCqk2_tt";

/// A request of the second login.
fn other(target: String) -> Request {
    Request::get(target).header("authorization", basic(format!("grafana:{OTHER_PASSWORD}")))
}

fn two_logins() -> Credentials {
    credentials().and(Credentials::new("grafana", OTHER_PASSWORD).unwrap()).unwrap()
}

/// The maximum number of different views of one report.
const VIEWS: usize = 16;

#[tokio::test]
async fn s45_views_of_clients_that_hung_up_are_freed_at_once() {
    let (server, keeper, mut visits) = serve_gated(Limits::default()).await;
    let mut waiting = Vec::new();
    for number in 0..VIEWS {
        waiting.push(ask(&server, Request::get(view_of(number)).authorized()).await);
        visits.arrived(number + 1).await;
    }
    assert_eq!(server.send(Request::get(view_of(VIEWS)).authorized()).await.status, 429);
    waiting.clear();
    visits.left(VIEWS + 1).await;
    // No client waits any more, so the operator need not wait either.
    for number in 0..VIEWS {
        waiting.push(ask(&server, Request::get(view_of(100 + number)).authorized()).await);
        visits.arrived(VIEWS + 2 + number).await;
    }
    keeper.let_through();
    for mut connection in waiting {
        assert_eq!(connection.receive().await.status, 200);
    }
    assert_eq!(keeper.runs(), 1);
}

/// actix-web does not tell its services that a client has hung up. So the permits of one login stay taken
/// until the collection ends, but other logins are not affected.
#[tokio::test]
async fn s45_with_actix_views_of_clients_that_hung_up_do_not_delay_other_logins() {
    let (collector, mut keeper) = GatedCollector::new();
    let memory = MemoryDebug::new(two_logins()).configure(|endpoint| endpoint.collect_with(collector));
    let server = Server::actix(|listener| {
        let app = move || actix_web::App::new().wrap(memory.clone());
        actix_web::HttpServer::new(app).workers(1).listen(listener).unwrap().run()
    });
    let first = ask(&server, Request::get(view_of(0)).authorized()).await;
    keeper.begun().await;
    let mut waiting = vec![first];
    // One of them is refused at once. By then all other requests have arrived.
    let mut refused = 0;
    for number in 1..=VIEWS {
        waiting.push(ask(&server, Request::get(view_of(number)).authorized()).await);
    }
    for connection in &mut waiting {
        let answer = tokio::time::timeout(Duration::from_millis(200), connection.receive()).await;
        refused += usize::from(answer.is_ok_and(|answer| answer.status == 429));
    }
    assert_eq!(refused, 1);
    drop(waiting);
    let mut page = ask(&server, other(view_of(100))).await;
    let mut more = Vec::new();
    for number in 1..VIEWS / 2 {
        more.push(ask(&server, other(view_of(100 + number))).await);
    }
    // These requests may need several collections: some can arrive after the first one has ended.
    drop(keeper);
    assert_eq!(page.receive().await.status, 200);
    for mut connection in more {
        assert_eq!(connection.receive().await.status, 200);
    }
}

#[tokio::test]
async fn s45_one_login_in_twenty_loops_does_not_block_another() {
    let layer = MemoryDebugLayer::new(two_logins())
        .configure(|endpoint| endpoint.collect_with(CountingCollector::default()));
    let server = Arc::new(Server::start(Router::new().layer(layer)).await);
    let mut loops = JoinSet::new();
    for number in 0..20 {
        let server = Arc::clone(&server);
        loops.spawn(async move {
            for round in 0.. {
                let answer = server.send(Request::get(view_of(round * 20 + number)).authorized()).await;
                assert!(matches!(answer.status, 200 | 429), "{answer}");
            }
        });
    }
    for round in 0..100 {
        let answer = server.send(other(view_of(round))).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    loops.abort_all();
}

#[tokio::test]
async fn s26_slow_bodies_of_one_login_leave_room_for_another_and_end_with_their_clients() {
    let (collector, _keeper) = GatedCollector::new();
    let (mut visits, count) = Visits::new();
    let layer = MemoryDebugLayer::new(two_logins()).configure(|endpoint| endpoint.collect_with(collector));
    let app = Router::new().layer(ServiceBuilder::new().layer(count).layer(layer));
    let server = Server::start(app).await;
    let put = || {
        let request =
            Request::new("PUT", "/debug/memory/profiling").header("content-type", "application/json");
        request.header("content-length", "16")
    };
    let mut slow = Vec::new();
    for number in 1..=64 {
        slow.push(ask(&server, put().authorized()).await);
        visits.arrived(number).await;
    }
    let mut refused = ask(&server, put().authorized()).await;
    assert_eq!(refused.receive().await.status, 429);
    visits.left(1).await;
    let authorization = basic(format!("grafana:{OTHER_PASSWORD}"));
    let mut other = ask(&server, put().header("authorization", authorization)).await;
    visits.arrived(66).await;
    assert_eq!(slow.pop().unwrap().receive().await.status, 429, "the newest request is refused");
    visits.left(2).await;
    other.send("{\"active\":").await;
    drop(slow);
    visits.left(65).await;
    let again: Vec<_> = {
        let mut again = Vec::new();
        for number in 1..=63 {
            again.push(ask(&server, put().authorized()).await);
            visits.arrived(66 + number).await;
        }
        again
    };
    other.send("false}").await;
    // This collector is a test double, so there is no profiler to change.
    assert_eq!(other.receive().await.status, 501);
    drop(again);
}
