//! Serves the axum example with one worker, and sends it the requests of a shop's visitors.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use axum_service::{AppState, Config, OptIns, app_with};
use memory_debug_axum::tracer::Tracer;
use memory_debug_axum::{Credentials, generate_password};
use tokio::net::TcpListener;

/// Connections with a request under way, so that the worker does not wait.
const CONNECTIONS: usize = 16;

/// The name of the last kind of requests: all others in turn.
pub const MIXED: &str = "all in turn";

/// A result with any error.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Requests of one kind.
#[derive(Debug)]
pub struct Kind {
    /// What a row of the figures is called.
    pub name: &'static str,
    requests: Vec<Vec<u8>>,
}

/// Open connections to the example.
#[derive(Debug)]
pub struct Clients(Vec<TcpStream>);

/// Serves the example on a free port until the runtime ends. `tracer` counts its routes.
///
/// # Errors
///
/// If no port is free.
pub async fn serve(config: &Config, tracer: Option<Tracer>) -> Result<SocketAddr> {
    let state = AppState::start(config);
    let opt_ins = OptIns { tracer, ..OptIns::default() };
    let app = app_with(&state, Credentials::new("ops", generate_password()?)?, opt_ins);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

impl Clients {
    /// Connects to the example.
    ///
    /// # Errors
    ///
    /// If it refuses a connection.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let connect = |_| -> Result<TcpStream> {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        (0..CONNECTIONS).map(connect).collect::<Result<_>>().map(Self)
    }

    /// Requests of one kind each, and last what visitors of a shop send: all kinds in turn.
    ///
    /// # Errors
    ///
    /// If the example does not open a session.
    pub fn kinds(&mut self) -> Result<Vec<Kind>> {
        let new = r#"{"user":"ada","user_agent":"curl","basket":[{"sku":"SKU-1","quantity":1,"price_cents":1999}]}"#;
        let connection = self.0.first_mut().ok_or("no connection")?;
        connection.write_all(&post("/sessions", new))?;
        let id = answer(connection)?.rsplit('"').nth(1).ok_or("no id of a session")?.to_owned();
        let kind = |name, requests| Kind { name, requests };
        let text = r#"{"text":"the quick brown fox jumps over the lazy dog"}"#;
        let mut kinds = vec![
            kind("GET /", vec![get("/")]),
            kind("GET /sessions/{id}", vec![get(&format!("/sessions/{id}"))]),
            kind("GET /reports/{day}", (0..3).map(|day| get(&format!("/reports/{day}"))).collect()),
            kind("POST /jobs", vec![post("/jobs", text)]),
        ];
        let all = kinds.iter().flat_map(|kind| kind.requests.first().cloned()).collect();
        kinds.push(kind(MIXED, all));
        Ok(kinds)
    }

    /// Sends `number` requests of one kind, a multiple of 16, and reads the answers.
    ///
    /// # Errors
    ///
    /// If an answer is not a success.
    pub fn send(&mut self, kind: &Kind, number: usize) -> Result<()> {
        let mut requests = kind.requests.iter().cycle();
        for _ in 0..number / CONNECTIONS {
            for (connection, request) in self.0.iter_mut().zip(&mut requests) {
                connection.write_all(request)?;
            }
            for connection in &mut self.0 {
                let answer = answer(connection)?;
                if !answer.starts_with("HTTP/1.1 20") {
                    return Err(format!("{}: {answer}", kind.name).into());
                }
            }
        }
        Ok(())
    }
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

/// The median, the upper one of two. Not a number if there are no values.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
