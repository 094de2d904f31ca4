//! A route that has nothing to do with the leak, and a client that measures it.

use std::hint::black_box;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// Values that a request allocates, as a route of a service does: 64 of 1 KiB, so that one in eight is sampled.
const VALUES: usize = 64;
const VALUE_BYTES: usize = 1 << 10;

/// A request is due each half a millisecond.
const EVERY: Duration = Duration::from_micros(500);

/// Answers one byte with one byte, on threads of its own. Prints the address.
pub(crate) fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("route {}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    Ok(())
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = [0];
    loop {
        stream.read_exact(&mut request)?;
        let values: Vec<Vec<u8>> = (0..VALUES).map(|_| black_box(vec![request[0]; VALUE_BYTES])).collect();
        stream.write_all(&[values.iter().map(|value| value[0]).fold(0, u8::wrapping_add)])?;
    }
}

/// Sends requests at fixed times until there is no answer. Prints their number, and the median, the 99th percentile and
/// the longest of their times in microseconds. A time counts from when the request was due, so one that waits for a slow
/// request before it counts as slow too.
pub(crate) fn ask(address: &str) -> ExitCode {
    let mut micros = Vec::with_capacity(1 << 20);
    if let Err(error) = time_requests(address, &mut micros)
        && micros.is_empty()
    {
        eprintln!("no answer from {address}: {error}");
        return ExitCode::FAILURE;
    }
    micros.sort_unstable();
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize];
    println!("{} {} {} {}", micros.len(), at(0.5), at(0.99), at(1.0));
    ExitCode::SUCCESS
}

fn time_requests(address: &str, micros: &mut Vec<u128>) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut due = Instant::now();
    let mut answer = [0];
    loop {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(&[1])?;
        stream.read_exact(&mut answer)?;
        micros.push(due.elapsed().as_micros());
        due += EVERY;
    }
}
