//! A simulated fleet for `measure/fleet-scale`: many instances in one process.
//!
//! Usage: `simulated_fleet NUMBER REPORT`, where REPORT is a file with the report of a real service. Each instance has
//! its own loopback address and its own variant of that report: another identity, other numbers, and at least [`ROWS`]
//! rows. Each variant lacks some rows and has some rows that no other variant has. All variants are prepared at the
//! start, so that a reply costs as little as possible.
//!
//! Prints one address per line, and an empty line as soon as all instances listen. Runs until its standard input ends.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The number of rows in each table, as in a medium-sized service.
const ROWS: usize = 300;

/// The number of rows that only one instance has, as if only some requests caused them.
const OWN_ROWS: usize = 2;

/// Each instance lacks one row out of this many.
const LACKS_ONE_OF: usize = 20;

/// Generic types that turn the name of a real type into the name of another type.
const WRAPPERS: [&str; 4] =
    ["alloc::vec::Vec", "alloc::sync::Arc", "core::option::Option", "alloc::boxed::Box"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(number), Some(path)) = (words.next(), words.next()) else {
        return Err("usage: simulated_fleet NUMBER REPORT".into());
    };
    let report = serde_json::from_slice(&fs::read(path)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(number.parse()?, &report))
}

async fn serve(number: usize, report: &Value) -> Result<(), Box<dyn Error>> {
    let mut addresses = String::new();
    for index in 0..number {
        let [.., high, low] = u32::try_from(index + 1)?.to_be_bytes();
        let listener = TcpListener::bind((Ipv4Addr::new(127, 1, high, low), 0)).await?;
        addresses += &format!("http://{}\n", listener.local_addr()?);
        let answer: &'static [u8] = answer(&instance(report, index)?)?.leak();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(reply(stream, answer));
            }
        });
    }
    std::io::stdout().write_all((addresses + "\n").as_bytes())?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    Ok(())
}

/// Answers one request and closes the connection, because the command uses a new connection for each request.
async fn reply(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut asked).await? == 0 || asked.len() > 8192 {
            return Ok(());
        }
    }
    let is_authorized = asked.to_ascii_lowercase().windows(21).any(|part| part == b"authorization: basic ");
    let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".as_slice();
    stream.write_all(if is_authorized { answer } else { refusal }).await?;
    stream.shutdown().await
}

/// The whole HTTP response with `report`.
fn answer(report: &Value) -> Result<Vec<u8>, serde_json::Error> {
    // Services write indented JSON too.
    let body = serde_json::to_string_pretty(report)?;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    Ok(format!("{head}content-length: {}\r\n\r\n{body}\n", body.len() + 1).into_bytes())
}

/// Makes the report of the instance with this index.
fn instance(report: &Value, index: usize) -> Result<Value, Box<dyn Error>> {
    let mut report = report.clone();
    let real = report["types"]["rows"].as_array().filter(|rows| !rows.is_empty());
    let real = real.ok_or("the report has no rows of types")?.clone();
    let lacks = |row: usize| (row * 7 + index * 13).is_multiple_of(LACKS_ONE_OF);
    let shared = (0..).filter(|row| !lacks(*row)).take(ROWS - OWN_ROWS).map(|number| row(&real, number, ""));
    let own = (0..OWN_ROWS).map(|number| row(&real, number, &format!("::request_{index}")));
    let mut rows: Vec<Value> = shared.chain(own).collect();
    rows.iter_mut().for_each(|row| vary(row, index));
    rows.sort_by_key(|row| std::cmp::Reverse(row["bytes"].as_u64()));
    let total = |name: &str| rows.iter().filter_map(|row| row[name].as_u64()).sum::<u64>();
    report["types"]["total_bytes"] = total("bytes").into();
    report["types"]["total_objects"] = total("objects").into();
    report["types"]["rows"] = rows.into();
    for section in ["process", "allocator"] {
        vary(&mut report[section], index);
    }
    report["instance"]["id"] = json!(format!("{index:08x}-5eed-4000-8000-{index:012x}"));
    report["instance"]["pid"] = json!(1000 + index);
    report["instance"]["host"] = json!(format!("shop-7d9c5b6f4-{index:05x}"));
    Ok(report)
}

/// Makes the row with this number: first the real rows, then their types inside wrappers, so that names get longer.
fn row(real: &[Value], number: usize, suffix: &str) -> Value {
    let mut row = real[number % real.len()].clone();
    // Each round uses another combination of wrappers, and as few of them as possible.
    let mut round = number / real.len();
    while round > 0 {
        let wrapper = WRAPPERS[(round - 1) % WRAPPERS.len()];
        round = (round - 1) / WRAPPERS.len();
        for name in ["type", "full_type"] {
            let wrapper =
                if name == "type" { wrapper.rsplit("::").next().unwrap_or_default() } else { wrapper };
            row[name] = format!("{wrapper}<{}>", row[name].as_str().unwrap_or_default()).into();
        }
    }
    for name in ["type", "full_type"] {
        row[name] = format!("{}{suffix}", row[name].as_str().unwrap_or_default()).into();
    }
    row
}

/// Raises the counts and bytes of a section by up to a quarter. The factor depends only on the instance. One instance
/// in a hundred gets a factor of four.
fn vary(section: &mut Value, index: usize) {
    let factor = if index % 100 == 99 { 4.0 } else { 1.0 + ((index * 37) % 100) as f64 / 400.0 };
    for (name, value) in section.as_object_mut().into_iter().flatten() {
        if let (true, Some(number)) = (name.ends_with("bytes") || name == "objects", value.as_u64()) {
            *value = json!((number as f64 * factor) as u64);
        }
    }
}
