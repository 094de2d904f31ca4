//! Clients that read every page again and again, over sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::Router;
use memory_debug_axum::{
    Collect, Collected, Collector, Credentials, Limits, MemoryDebugLayer, Scope, Shortage,
};

/// The number of clients that ask at once.
const CLIENTS: usize = 3;

/// All pages.
const PAGES: [&str; 13] = [
    "",
    "?format=json",
    "/stats",
    "/stats?format=json",
    "/instance",
    "/doctor",
    "/monitor",
    "/trace",
    "/types",
    "/types?format=json&top=1000",
    "/types?group=function",
    "/types?group=thread",
    "/types?group=line",
];

/// `ops:jumbled-otters-sip-cold-tea`.
const AUTHORIZATION: &str = "Basic b3BzOmp1bWJsZWQtb3R0ZXJzLXNpcC1jb2xkLXRlYQ==";

/// Clients that ask until they are stopped.
pub(crate) struct Pages {
    counts: Arc<Counts>,
    clients: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    collections: AtomicU64,
    answers: AtomicU64,
    /// The number of answers that are not a whole page with status 200.
    wrong: AtomicU64,
    slowest_ms: AtomicU64,
}

/// The real collector, with a count of its collections.
struct Counted(Collector, Arc<Counts>);

impl Collect for Counted {
    fn collect(&self, scope: Scope) -> Collected {
        let collected = Collect::collect(&self.0, scope);
        self.1.collections.fetch_add(1, Ordering::Relaxed);
        collected
    }

    fn headroom(&self, scope: Scope) -> Result<(), Shortage> {
        Collect::headroom(&self.0, scope)
    }
}

impl Pages {
    pub(crate) fn start() -> Self {
        let counts = Arc::new(Counts::default());
        let address = serve(Counted(Collector::new(), Arc::clone(&counts)));
        let clients = (0..CLIENTS).map(|first| {
            let counts = Arc::clone(&counts);
            thread::spawn(move || ask(&counts, address, first))
        });
        Self { clients: Mutex::new(clients.collect()), counts }
    }

    /// The numbers of collections, answers and wrong answers so far, and the slowest answer.
    pub(crate) fn progress(&self) -> String {
        let Counts { collections, answers, wrong, slowest_ms, .. } = &*self.counts;
        let [collections, answers, wrong, slowest] =
            [collections, answers, wrong, slowest_ms].map(|count| count.load(Ordering::Relaxed));
        format!("collections={collections} answers={answers} wrong={wrong} slowest_ms={slowest}")
    }

    pub(crate) fn stop(&self) {
        self.counts.stop.store(true, Ordering::Relaxed);
        for client in self.clients.lock().expect("nothing panics while it is held").drain(..) {
            client.join().expect("a client panicked");
        }
    }
}

/// Serves the memory page for as long as the process lives.
pub(crate) fn serve(collect: impl Collect) -> SocketAddr {
    let credentials = Credentials::new("ops", "jumbled-otters-sip-cold-tea").expect("a strong password");
    // Slow requests must show up in the figures, so the endpoint must not refuse them.
    let limits = Limits::default().deadline(Duration::from_secs(600));
    let layer = MemoryDebugLayer::new(credentials)
        .configure(|endpoint| endpoint.collect_with(collect).limits(limits));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, Router::new().layer(layer)).await
        })
    });
    address
}

fn ask(counts: &Counts, address: SocketAddr, first: usize) {
    for page in PAGES.iter().cycle().skip(first * PAGES.len() / CLIENTS) {
        if counts.stop.load(Ordering::Relaxed) {
            return;
        }
        let begin = Instant::now();
        let is_right = matches!(answer(address, page), Ok(answer) if answer.starts_with("HTTP/1.1 200 "));
        let took = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        counts.slowest_ms.fetch_max(took, Ordering::Relaxed);
        counts.wrong.fetch_add(u64::from(!is_right), Ordering::Relaxed);
        counts.answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// The request for a page.
pub(crate) fn head(page: &str) -> String {
    format!(
        "GET /debug/memory{page} HTTP/1.1\r\nhost: stress\r\nauthorization: {AUTHORIZATION}\r\nconnection: close\r\n\r\n"
    )
}

/// Reads a page.
pub(crate) fn answer(address: SocketAddr, page: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(head(page).as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
