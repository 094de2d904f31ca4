//! Measures what a tracer costs the example while it counts: `trace-cost [ROUNDS]`.
//!
//! Serves the axum example in this process with one worker, and sends it the same requests again and again, while the
//! tracer counts and while it does not. The two take turns, so both have the same addresses, caches and neighbours.
//! Prints for each kind of request the processor time of the worker per request, the requests per second, and what the
//! tracer added, as the median of all rounds. The last line has the figure that `measure/trace-cost` judges.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum_service::{AppState, Config, OptIns, app_with};
use memory_debug_axum::tracer::Tracer;
use memory_debug_axum::{Credentials, generate_password};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

memory_debug_axum::install!();

/// How often the two take turns, unless the command line says otherwise.
const ROUNDS: usize = 40;

/// Requests of each kind in half a round. A half takes some tens of milliseconds.
const REQUESTS: usize = 1_600;

/// Connections with a request under way, so that the worker does not wait.
const CONNECTIONS: usize = 16;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Requests of one kind.
struct Kind {
    name: &'static str,
    requests: Vec<Vec<u8>>,
}

/// The figures of half a round.
#[derive(Clone, Copy)]
struct Half {
    processor: Duration,
    wall: Duration,
}

fn main() -> Result<()> {
    let rounds = std::env::args().nth(1).map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let tracer = Tracer::new();
    let address = runtime.block_on(serve(&tracer))?;
    let mut connections: Vec<TcpStream> = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        connections.push(stream);
    }

    println!("{:<22} {:>22} {:>22} {:>8}", "requests", "not counted", "counted", "added");
    for kind in kinds(&mut connections[0])? {
        // Warms up, and makes the nodes.
        half(&runtime, &tracer, true, &mut connections, &kind)?;
        let (mut off, mut on) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // Both orders, in case the second half of a round has an advantage.
            let counts = round % 2 == 0;
            for counts in [counts, !counts] {
                let half = half(&runtime, &tracer, counts, &mut connections, &kind)?;
                if counts { on.push(half) } else { off.push(half) }
            }
        }
        let ratios =
            on.iter().zip(&off).map(|(on, off)| on.processor.as_secs_f64() / off.processor.as_secs_f64());
        let added = (median(ratios) - 1.0) * 100.0;
        println!("{:<22} {:>22} {:>22} {added:>+7.2}%", kind.name, figures(&off), figures(&on));
    }
    Ok(())
}

/// Serves the example on a free port.
async fn serve(tracer: &Tracer) -> Result<SocketAddr> {
    let state = AppState::start(&Config::small());
    let opt_ins = OptIns { tracer: Some(tracer.clone()), ..OptIns::default() };
    let app = app_with(&state, Credentials::new("ops", generate_password()?)?, opt_ins);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// Requests of one kind each, and what visitors of a shop send: all kinds in turn.
fn kinds(connection: &mut TcpStream) -> Result<Vec<Kind>> {
    let new =
        r#"{"user":"ada","user_agent":"curl","basket":[{"sku":"SKU-1","quantity":1,"price_cents":1999}]}"#;
    let opened = exchange(connection, &post("/sessions", new))?;
    let id = opened.rsplit('"').nth(1).ok_or("no id of a session")?.to_owned();
    let kind = |name, requests| Kind { name, requests };
    let mut kinds = vec![
        kind("GET /", vec![get("/")]),
        kind("GET /sessions/{id}", vec![get(&format!("/sessions/{id}"))]),
        kind("GET /reports/{day}", (0..3).map(|day| get(&format!("/reports/{day}"))).collect()),
        kind("POST /jobs", vec![post("/jobs", r#"{"text":"the quick brown fox jumps over the lazy dog"}"#)]),
    ];
    let all = kinds.iter().flat_map(|kind| kind.requests.first().cloned()).collect();
    kinds.push(kind("all in turn", all));
    Ok(kinds)
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n").into()
}

fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into()
}

/// Sends the requests of half a round.
fn half(
    runtime: &Runtime,
    tracer: &Tracer,
    counts: bool,
    connections: &mut [TcpStream],
    kind: &Kind,
) -> Result<Half> {
    if counts {
        tracer.install();
    }
    let (processor, wall) = (worker_time(runtime)?, Instant::now());
    let mut requests = kind.requests.iter().cycle();
    for _ in 0..REQUESTS / CONNECTIONS {
        for (connection, request) in connections.iter_mut().zip(&mut requests) {
            connection.write_all(request)?;
        }
        for connection in connections.iter_mut() {
            let answer = answer(connection)?;
            if !answer.starts_with("HTTP/1.1 20") {
                return Err(format!("{}: {answer}", kind.name).into());
            }
        }
    }
    let half = Half { wall: wall.elapsed(), processor: worker_time(runtime)?.saturating_sub(processor) };
    tracer.uninstall();
    Ok(half)
}

/// The processor time that the only worker has used.
fn worker_time(runtime: &Runtime) -> Result<Duration> {
    let time = runtime.block_on(runtime.spawn(async { clock_gettime(ClockId::ThreadCPUTime) }))?;
    Ok(Duration::try_from(time)?)
}

fn exchange(connection: &mut TcpStream, request: &[u8]) -> Result<String> {
    connection.write_all(request)?;
    answer(connection)
}

/// Reads an answer that has a length.
fn answer(connection: &mut TcpStream) -> Result<String> {
    let mut received = Vec::new();
    let mut piece = [0; 64 << 10];
    loop {
        let length = connection.read(&mut piece)?;
        if length == 0 {
            return Err("the service closed the connection".into());
        }
        received.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&received);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let field = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let expected: usize = field.ok_or("an answer without a length")?.parse()?;
            if body.len() >= expected {
                return Ok(text.into_owned());
            }
        }
    }
}

/// Processor time per request and requests per second, each as a median.
fn figures(halves: &[Half]) -> String {
    let per_request = |time: Duration| time.as_secs_f64() * 1e6 / REQUESTS as f64;
    let processor = median(halves.iter().map(|half| per_request(half.processor)));
    let wall = median(halves.iter().map(|half| per_request(half.wall)));
    format!("{processor:.2} us {:>7.0}/s", 1e6 / wall)
}

/// The median, the upper one of two.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
