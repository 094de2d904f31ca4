//! Requests at a rate that does not depend on the answers.
//!
//! A generator that waits for an answer before the next request goes easy on a slow service, and does not see how
//! slow it was ("coordinated omission"). Here each request has a time when it is due. Its latency counts from this
//! time, even if all connections were busy then.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::Result;
use crate::client::Client;

/// The longest wait for the last answers.
const GRACE: Duration = Duration::from_secs(10);

/// The longest latency that the histogram distinguishes, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// Requests of one kind.
pub struct Stream {
    pub requests_per_second: u32,
    pub connections: usize,
    /// Sent in turn.
    pub requests: Vec<Vec<u8>>,
}

/// The results of a stream.
pub struct Outcome {
    pub due: u32,
    pub statuses: BTreeMap<u16, u32>,
    /// The time from the first request to the last answer.
    pub took: Duration,
    nanoseconds: Histogram<u64>,
}

impl Outcome {
    pub fn answered(&self) -> u32 {
        self.statuses.values().sum()
    }

    /// # Errors
    ///
    /// If a request got another status, or no answer.
    pub fn must_all_be(&self, status: u16) -> Result<()> {
        match self.statuses.get(&status) {
            Some(number) if *number == self.due => Ok(()),
            _ => Err(format!("{} requests, not all answered {status}: {:?}", self.due, self.statuses).into()),
        }
    }

    pub fn answered_per_second(&self) -> f64 {
        f64::from(self.answered()) / self.took.as_secs_f64()
    }

    /// The latency that this percentage of the requests does not exceed.
    pub fn percentile(&self, percentile: f64) -> Duration {
        Duration::from_nanos(self.nanoseconds.value_at_percentile(percentile))
    }
}

/// Sends all streams to `address` for `duration`.
pub fn run<const N: usize>(
    address: SocketAddr,
    streams: [Stream; N],
    duration: Duration,
) -> Result<[Outcome; N]> {
    run_while(address, streams, duration, || true, |_, _| {})
}

/// Sends all streams to `address` as long as `is_going`, at most for `duration`, and tells `seen` when each request was
/// due and when it was answered. The thread spins, because sleeping until the next request is due would be too coarse.
pub fn run_while<const N: usize>(
    address: SocketAddr,
    streams: [Stream; N],
    duration: Duration,
    is_going: impl Fn() -> bool,
    mut seen: impl FnMut(Instant, Instant),
) -> Result<[Outcome; N]> {
    let mut first = 0;
    let mut under_way = streams.map(|stream| {
        let connections = first..first + stream.connections;
        first = connections.end;
        UnderWay::new(stream, connections, duration)
    });
    let mut client = Client::open(address, first)?;
    let begin = Instant::now();
    while under_way.iter().any(|stream| stream.outcome.answered() < stream.outcome.due) {
        let now = begin.elapsed();
        if now > duration + GRACE {
            break;
        }
        if !is_going() {
            under_way.iter_mut().for_each(|stream| stream.outcome.due = stream.sent);
        }
        for stream in &mut under_way {
            while let Some((connection, due)) = stream.next(now) {
                client.send(connection, stream.request(), begin + due)?;
            }
        }
        client.poll(Duration::ZERO, |answer| {
            let stream = under_way.iter_mut().find(|stream| stream.connections.contains(&answer.connection));
            let stream = stream.expect("each connection belongs to a stream");
            stream.free.push_back(answer.connection);
            let now = Instant::now();
            seen(now - answer.latency, now);
            stream.outcome.took = now - begin;
            stream.outcome.nanoseconds.saturating_record(answer.latency.as_nanos() as u64);
            *stream.outcome.statuses.entry(answer.status).or_default() += 1;
        })?;
    }
    Ok(under_way.map(|stream| stream.outcome))
}

struct UnderWay {
    stream: Stream,
    connections: Range<usize>,
    free: VecDeque<usize>,
    sent: u32,
    outcome: Outcome,
}

impl UnderWay {
    fn new(stream: Stream, connections: Range<usize>, duration: Duration) -> Self {
        let due = (f64::from(stream.requests_per_second) * duration.as_secs_f64()) as u32;
        let nanoseconds = Histogram::new_with_max(LONGEST, 3).expect("three digits are allowed");
        let outcome = Outcome { due, statuses: BTreeMap::new(), took: Duration::ZERO, nanoseconds };
        Self { stream, free: connections.clone().collect(), connections, sent: 0, outcome }
    }

    /// The time when request `number` is due: a varying moment in its slice of the time. Otherwise two streams would
    /// be in step, with each request of one right behind a request of the other.
    fn due(&self, number: u32) -> Duration {
        const GOLDEN_RATIO: f64 = 0.618_033_988_749_895;
        let number = f64::from(number);
        let seconds = (number + (number * GOLDEN_RATIO).fract()) / f64::from(self.stream.requests_per_second);
        Duration::from_secs_f64(seconds)
    }

    /// A request that is due, and a connection for it.
    fn next(&mut self, now: Duration) -> Option<(usize, Duration)> {
        let due = self.due(self.sent);
        if self.sent == self.outcome.due || due > now {
            return None;
        }
        let connection = self.free.pop_front()?;
        self.sent += 1;
        Some((connection, due))
    }

    /// The bytes of the request that [`next`](Self::next) returned.
    fn request(&self) -> &[u8] {
        &self.stream.requests[(self.sent as usize - 1) % self.stream.requests.len()]
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A service that answers one connection. It waits for a while before its first answer.
    fn serve(wait: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 64];
            thread::sleep(wait);
            while stream.read(&mut request).unwrap() > 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            }
        });
        address
    }

    fn stream() -> Stream {
        let requests = vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()];
        Stream { requests_per_second: 1000, connections: 1, requests }
    }

    #[test]
    fn nothing_more_is_sent_once_it_is_over() {
        let address = serve(Duration::ZERO);
        let calls = std::cell::Cell::new(0);
        let is_going = || calls.replace(calls.get() + 1) < 10_000;
        let mut seen = 0;
        let all = Duration::from_secs(60);
        let [outcome] = run_while(address, [stream()], all, is_going, |due, answered| {
            assert!(due <= answered);
            seen += 1;
        })
        .unwrap();
        assert!(outcome.due < 60_000 && outcome.answered() == outcome.due, "{}", outcome.due);
        assert_eq!(seen, outcome.due);
    }

    #[test]
    fn requests_due_while_the_service_is_stopped_count_as_slow() {
        let address = serve(Duration::from_millis(100));
        let [outcome] = run(address, [stream()], Duration::from_millis(200)).unwrap();
        assert_eq!((outcome.due, outcome.answered()), (200, 200));
        // Requests due in the first 49 milliseconds, answered after the hundredth.
        assert!(outcome.percentile(76.0) >= Duration::from_millis(50), "{:?}", outcome.percentile(76.0));
    }
}
