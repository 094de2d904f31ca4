//! The page on a separate listener: which clients can reach it, how long connections last, and what remains
//! at the end.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use memory_debug_axum::{Endpoint, MemoryDebugLayer};
use memory_debug_tests::{
    Connection, CountingCollector, Folder, GatedCollector, LIMIT, OwnProcess, ProcessState, Request,
    authorization, credentials, within_limit,
};
use memory_debug_tower::serve::{ListenAddress, Listener, serve, start_in_background};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::http2;

/// Longer than the idle timeout of a connection.
const A_MINUTE: Duration = Duration::from_secs(60);

fn page() -> MemoryDebugLayer {
    MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.collect_with(CountingCollector::default()))
}

fn any_port() -> ListenAddress {
    "127.0.0.1:0".parse().unwrap()
}

fn socket_address(address: &ListenAddress) -> SocketAddr {
    address.to_string().parse().unwrap()
}

async fn serve_over_tcp(page: MemoryDebugLayer) -> (SocketAddr, JoinHandle<()>) {
    let listener = Listener::bind(any_port()).unwrap();
    let address = socket_address(listener.address());
    (address, tokio::spawn(async { match listener.serve(page).await {} }))
}

async fn serve_at(path: &Path) -> JoinHandle<()> {
    let listener = Listener::bind(path).unwrap();
    tokio::spawn(async { match listener.serve(page()).await {} })
}

async fn connect(path: &Path) -> Connection {
    Connection::over(within_limit(UnixStream::connect(path)).await.unwrap())
}

async fn end(serving: JoinHandle<()>) {
    serving.abort();
    assert!(within_limit(serving).await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn the_listener_serves_only_the_page() {
    let (address, serving) = serve_over_tcp(page()).await;
    let mut connection = Connection::open(address).await;
    for (request, status) in [
        (Request::get("/debug/memory"), 401),
        (Request::get("/debug/memory").authorized(), 200),
        (Request::get("/debug/memory/types?format=json").authorized(), 200),
        (Request::get("/debug/memory/unknown").authorized(), 404),
        (Request::new("HEAD", "/debug/memory").authorized(), 200),
    ] {
        assert_eq!(connection.exchange(request).await.status, status);
    }
    for target in ["/", "/debug", "/debug/memoryx", "/%64ebug/memory", "http://localhost/", "*"] {
        for request in [Request::get(target), Request::get(target).authorized()] {
            let response = connection.exchange(request).await;
            assert_eq!((response.status, response.text()), (404, "404 not found\n"), "{target}");
        }
    }
    end(serving).await;
}

#[tokio::test]
async fn credentials_alone_serve_the_page_of_this_process() {
    let serving = start_in_background(credentials(), any_port()).unwrap();
    let request = Request::get("/debug/memory/stats?format=json").authorized();
    let report = Connection::open(socket_address(serving.address())).await.exchange(request).await.report();
    assert_eq!(report.instance.pid, std::process::id());
}

#[tokio::test]
async fn s27_http2_works_with_prior_knowledge() {
    let (address, serving) = serve_over_tcp(page()).await;
    let mut connection = http2::Connection::open(address).await;
    let right = authorization();
    for (status, target, headers) in [
        (401, "/debug/memory", &[][..]),
        (200, "/debug/memory", &[("authorization", &*right)]),
        (404, "/", &[("authorization", &right)]),
    ] {
        assert_eq!(connection.send("GET", target, headers).await.0, status, "{target}");
    }
    end(serving).await;
}

#[tokio::test]
async fn s17_only_loopback_addresses_are_allowed_by_default() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let error = Listener::bind(address.parse::<ListenAddress>().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{address}");
        let message = error.to_string();
        assert!(message.contains(address) && message.contains("insecure_tcp"), "{message}");
        let error = start_in_background(page(), address.parse::<ListenAddress>().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let listener = Listener::bind(ListenAddress::insecure_tcp("0.0.0.0:0".parse().unwrap())).unwrap();
    assert_ne!(socket_address(listener.address()).port(), 0);
}

#[tokio::test]
async fn s17_the_listener_knows_the_addresses_of_clients() {
    let folder = Folder::new("peers");
    let path = folder.path().join("memory.sock");
    let page = page().configure(Endpoint::require_tls);
    let (address, over_tcp) = serve_over_tcp(page.clone()).await;
    let listener = Listener::bind(&*path).unwrap();
    let over_unix = tokio::spawn(async { match listener.serve(page).await {} });
    for mut connection in [Connection::open(address).await, connect(&path).await] {
        assert_eq!(connection.exchange(Request::get("/debug/memory").authorized()).await.status, 200);
    }
    end(over_tcp).await;
    end(over_unix).await;
}

#[tokio::test]
async fn an_error_names_the_address_in_use() {
    let (address, serving) = serve_over_tcp(page()).await;
    for error in [serve(page(), address).unwrap_err(), start_in_background(page(), address).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("cannot listen on {address} for the memory page: ")),
            "{message}"
        );
        assert!(
            message.ends_with("end the other process (`ss -ltnp` names it) or choose another port"),
            "{message}"
        );
    }
    end(serving).await;
}

#[tokio::test]
async fn a_failed_bind_is_reported_with_advice_before_anything_is_spawned() {
    let folder = Folder::new("taken");
    let path = |name: &str| folder.path().join(name);
    let serving = serve_at(&path("taken")).await;
    fs::write(path("file"), "").unwrap();
    for (address, kind, advice) in [
        (path("taken"), ErrorKind::AddrInUse, "end the other process or choose another path"),
        (path("file"), ErrorKind::AlreadyExists, "remove it or choose another path"),
        (path("no/memory.sock"), ErrorKind::NotFound, "create the folder first"),
    ] {
        let text = format!("unix:{}", address.display());
        for error in [
            serve(page(), &*address).unwrap_err(),
            Listener::bind(&*address).unwrap_err(),
            start_in_background(page(), &*address).unwrap_err(),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
            let message = error.to_string();
            assert!(
                message.starts_with(&format!("cannot listen on {text} for the memory page: ")),
                "{message}"
            );
            assert!(message.ends_with(advice), "{message}");
        }
    }
    let elsewhere: ListenAddress = ListenAddress::insecure_tcp("192.0.2.1:6060".parse().unwrap());
    let message = serve(page(), elsewhere).unwrap_err().to_string();
    assert!(message.ends_with("choose an address that this machine has (`ip address`)"), "{message}");
    end(serving).await;
}

#[tokio::test]
async fn the_future_of_serve_answers_while_it_is_polled() {
    let serving = serve(page(), any_port()).unwrap();
    let address = socket_address(serving.address());
    let serving = tokio::spawn(async { match serving.await {} });
    let answer = Connection::open(address).await.exchange(Request::get("/debug/memory")).await;
    assert_eq!(answer.status, 401);
    end(serving).await;
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn a_unix_socket_is_private_to_its_user_and_removed_at_the_end() {
    let folder = Folder::new("socket");
    let path = folder.path().join("memory.sock");
    let serving = serve_at(&path).await;
    let file = fs::symlink_metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o7777, 0o600);
    assert_eq!(names(folder.path()), ["memory.sock"], "binding leaves no other file");

    let mut connection = connect(&path).await;
    assert_eq!(connection.exchange(Request::get("/debug/memory")).await.status, 401);
    assert_eq!(connection.exchange(Request::get("/debug/memory").authorized()).await.status, 200);
    end(serving).await;
    assert!(connection.ends().await);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_socket_without_a_listener_is_replaced() {
    let folder = Folder::new("stale");
    let path = folder.path().join("memory.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "the stale socket must exist for this test");
    let serving = serve_at(&path).await;
    assert_eq!(connect(&path).await.exchange(Request::get("/debug/memory")).await.status, 401);
    assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(names(folder.path()), ["memory.sock"]);
    end(serving).await;
}

#[tokio::test]
async fn a_socket_with_a_listener_is_kept() {
    let folder = Folder::new("answered");
    let path = folder.path().join("memory.sock");
    let serving = serve_at(&path).await;
    let error = Listener::bind(&*path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains("another process listens on it"), "{error}");
    assert_eq!(connect(&path).await.exchange(Request::get("/debug/memory")).await.status, 401);
    assert_eq!(names(folder.path()), ["memory.sock"]);
    end(serving).await;
}

/// A process that hangs does not refuse connections but leaves them waiting.
#[tokio::test]
async fn a_socket_with_a_full_queue_is_kept() {
    let folder = Folder::new("full");
    let path = folder.path().join("memory.sock");
    let _hanging = UnixListener::bind(&path).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = UnixStream::connect(&path).await {
        waiting.push(stream);
    }
    let error = Listener::bind(&*path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse, "after {} connections", waiting.len());
    assert!(path.exists());
}

#[tokio::test]
async fn a_file_that_is_not_a_socket_is_kept() {
    let folder = Folder::new("no-socket");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "precious").unwrap();
    fs::create_dir(path("folder")).unwrap();
    drop(UnixListener::bind(path("stale")).unwrap());
    std::os::unix::fs::symlink(path("stale"), path("link")).unwrap();
    let before = names(folder.path());
    for name in ["file", "folder", "link"] {
        let error = Listener::bind(path(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{name}: {error}");
        assert!(error.to_string().contains("not a socket"), "{error}");
    }
    assert_eq!(names(folder.path()), before);
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "precious");
}

#[tokio::test]
async fn a_missing_folder_is_an_error() {
    let folder = Folder::new("missing");
    let path = folder.path().join("no/memory.sock");
    let error = Listener::bind(&*path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no/memory.sock"), "{error}");
}

#[tokio::test]
async fn the_socket_of_a_successor_is_not_removed() {
    let folder = Folder::new("successor");
    let path = folder.path().join("memory.sock");
    let first = serve_at(&path).await;
    fs::remove_file(&path).unwrap();
    let second = serve_at(&path).await;
    end(first).await;
    assert_eq!(connect(&path).await.exchange(Request::get("/debug/memory")).await.status, 401);
    end(second).await;
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn only_one_of_two_starting_servers_replaces_a_stale_socket() {
    let folder = Folder::new("race");
    let path = folder.path().join("memory.sock");
    for _ in 0..50 {
        drop(UnixListener::bind(&path).unwrap());
        let start = std::sync::Barrier::new(2);
        let attempt = || {
            start.wait();
            start_in_background(page(), &*path)
        };
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(attempt);
            (attempt(), other.join().unwrap())
        });
        let (winner, loser) = if first.is_ok() { (first, second) } else { (second, first) };
        assert_eq!(loser.unwrap_err().kind(), ErrorKind::AddrInUse);
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        drop(winner.unwrap());
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

/// The clock is paused and jumps to the next timer when all tasks wait, so this takes no time.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let (address, serving) = serve_over_tcp(page()).await;
    for (what, sent) in [
        ("says nothing", &b""[..]),
        ("begins a method", b"G"),
        ("never ends its head", b"GET /debug/memory HTTP/1.1\r\nhost: localhost\r\nx: "),
        ("begins HTTP/2", b"PRI * HTTP/2.0\r\n\r\nS"),
        ("says nothing in HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, sent).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
        // Closed or reset: both end the connection. Settings are all that an HTTP/2 server sends by itself.
        let _ = tokio::time::timeout(A_MINUTE, read).await.unwrap_or_else(|_| panic!("{what}"));
        assert!(!answer.windows(8).any(|part| part == b"HTTP/1.1"), "{what}: {}", answer.escape_ascii());
    }
    let mut connection = Connection::open(address).await;
    assert_eq!(connection.exchange(Request::get("/debug/memory")).await.status, 401);
    assert!(connection.ends().await, "the server sends nothing after the answer");
    end(serving).await;
}

/// Bytes that arrive slowly do not extend the time.
#[tokio::test(start_paused = true)]
async fn a_head_that_arrives_byte_by_byte_times_out() {
    let (address, serving) = serve_over_tcp(page()).await;
    let (mut reading, mut writing) = tokio::net::TcpStream::connect(address).await.unwrap().into_split();
    let trickling = tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut writing, b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        while tokio::io::AsyncWriteExt::write_all(&mut writing, b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut answer);
    let _ = tokio::time::timeout(A_MINUTE, read).await.expect("the connection ends");
    assert_eq!(answer.escape_ascii().to_string(), "");
    trickling.await.unwrap();
    end(serving).await;
}

#[tokio::test]
async fn a_request_in_progress_does_not_time_out() {
    let (collector, mut keeper) = GatedCollector::new();
    let (address, serving) = serve_over_tcp(
        MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector)),
    )
    .await;
    let mut connection = Connection::open(address).await;
    connection.send_head(Request::get("/debug/memory").authorized()).await;
    keeper.begun().await;
    assert!(A_MINUTE < LIMIT);
    tokio::time::pause();
    tokio::time::advance(A_MINUTE).await;
    tokio::time::resume();
    keeper.let_through();
    assert_eq!(connection.receive().await.status, 200);
    end(serving).await;
}

#[tokio::test]
async fn the_number_of_connections_is_limited_and_others_wait() {
    const MOST: usize = 32;
    let (address, serving) = serve_over_tcp(page()).await;
    let mut open = Vec::new();
    for _ in 0..MOST {
        let mut connection = Connection::open(address).await;
        assert_eq!(connection.exchange(Request::get("/debug/memory")).await.status, 401);
        open.push(connection);
    }
    let mut next = Connection::open(address).await;
    next.send_head(Request::get("/debug/memory")).await;
    {
        let mut answer = pin!(next.receive());
        for connection in &mut open {
            assert_eq!(connection.exchange(Request::get("/debug/memory")).await.status, 401);
            std::future::poll_fn(|context| match answer.as_mut().poll(context) {
                Poll::Ready(answer) => panic!("a connection beyond the limit got an answer: {answer}"),
                Poll::Pending => Poll::Ready(()),
            })
            .await;
        }
        drop(open.pop());
        assert_eq!(answer.await.status, 401);
    }
    end(serving).await;
}

/// Sends a request without any runtime, as a synchronous program would.
fn status_over(mut stream: impl Read + Write) -> String {
    stream.write_all(b"GET /debug/memory HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn s49_a_dropped_listener_leaves_no_thread_and_no_file() {
    OwnProcess::run_alone("separate_listener::s49_a_dropped_listener_leaves_no_thread_and_no_file", || {
        let folder = Folder::new("dropped");
        let path = folder.path().join("memory.sock");
        // Once a process has had a runtime, tokio keeps a pair of sockets for signals.
        drop(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
        let before = ProcessState::now();
        for _ in 0..3 {
            let over_tcp = start_in_background(credentials(), any_port()).unwrap();
            let over_unix = start_in_background(credentials(), &*path).unwrap();
            assert_ne!(ProcessState::now(), before);
            let stream = TcpStream::connect(socket_address(over_tcp.address())).unwrap();
            assert_eq!(status_over(stream), "HTTP/1.1 401 Unauthorized");
            let stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
            assert_eq!(status_over(stream), "HTTP/1.1 401 Unauthorized");
            let _silent = TcpStream::connect(socket_address(over_tcp.address())).unwrap();
            drop((over_tcp, over_unix));
        }
        assert_eq!(ProcessState::now(), before);
        assert_eq!(names(folder.path()), [""; 0]);
    });
}

#[test]
fn a_detached_listener_answers_until_the_process_ends() {
    OwnProcess::run_alone("separate_listener::a_detached_listener_answers_until_the_process_ends", || {
        let handle = start_in_background(credentials(), any_port()).unwrap();
        let address = socket_address(handle.address());
        handle.detach();
        for _ in 0..3 {
            let stream = TcpStream::connect(address).unwrap();
            assert_eq!(status_over(stream), "HTTP/1.1 401 Unauthorized");
        }
    });
}

#[tokio::test]
async fn a_listener_can_be_started_and_dropped_within_a_runtime() {
    let handle = start_in_background(page(), any_port()).unwrap();
    let mut connection = Connection::open(socket_address(handle.address())).await;
    assert_eq!(connection.exchange(Request::get("/debug/memory").authorized()).await.status, 200);
    drop(handle);
    assert!(connection.ends().await);
}

/// The sorted names of the entries of a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
