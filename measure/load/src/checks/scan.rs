//! The effect of scans for holders on the other routes of the service.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Verdict;
use crate::Result;
use crate::client::Client;
use crate::open_loop::{Stream, run_while};
use crate::request::{HOLDERS, HOME, Login, get};
use crate::service::Service;

/// A scan of the example takes some 100 ms, so fewer would give too few requests for a p99.9.
const SCANS: usize = 60;
const RATE: u32 = 2000;
/// How long the service is idle before each scan.
const IDLE: Duration = Duration::from_millis(500);
/// The longest time for a scan.
const LIMIT: Duration = Duration::from_secs(60);
/// Connections are new at the beginning.
const WARM_UP: Duration = Duration::from_millis(250);
/// The largest ratio to the latency of the idle service.
const MOST: f64 = 2.0;

/// The fewest requests that have a p99.9.
const LEAST: usize = 1000;

/// What a report of a scan has that read all of the heap.
const WHOLE: &str = "\"ended_early\": null";

type Interval = (Instant, Instant);

/// Compares the latency of the application's own page while a scan runs and between scans. Both take turns in one run,
/// because the speed of a machine varies. A request counts as one during a scan if it waited while one ran.
pub fn scan(service: &Service, login: &Login) -> Result<Verdict> {
    let request = login.get(HOLDERS);
    // The first scan starts the recording of samples and reads the symbols of the program.
    holders(service, &request)?;
    let is_done = AtomicBool::new(false);
    let home = Stream { requests_per_second: RATE, connections: 8, requests: vec![get(HOME, None)] };
    let begin = Instant::now();
    let mut requests: Vec<Interval> = Vec::new();
    let (outcome, scans) = thread::scope(|scope| {
        let scans = scope.spawn(|| {
            let all: Result<Vec<Interval>> = { 0..SCANS }
                .map(|_| {
                    thread::sleep(IDLE);
                    holders(service, &request)
                })
                .collect();
            is_done.store(true, Ordering::Relaxed);
            all.map_err(|error| error.to_string())
        });
        let is_going = || !is_done.load(Ordering::Relaxed);
        let most = (IDLE + LIMIT) * SCANS as u32;
        let outcome = run_while(service.address, [home], most, is_going, |due, answered| {
            requests.push((due, answered));
        });
        (outcome, scans.join())
    });
    let [outcome] = outcome?;
    outcome.must_all_be(200)?;
    let scans = scans.map_err(|_| "the thread with the scans panicked")??;
    requests.retain(|(due, _)| *due > begin + WARM_UP);
    let (during, idle): (Vec<Interval>, Vec<Interval>) = requests
        .into_iter()
        .partition(|(due, answered)| scans.iter().any(|(start, end)| due < end && start < answered));
    if during.len().min(idle.len()) < LEAST {
        let (during, idle) = (during.len(), idle.len());
        return Err(
            format!("{during} requests during scans and {idle} between them, at least {LEAST} each").into()
        );
    }
    let (during, idle) = (Latencies::new(&during), Latencies::new(&idle));
    let ratio = during.permille(999).as_secs_f64() / idle.permille(999).as_secs_f64();
    let took: Duration = scans.iter().map(|(start, end)| *end - *start).sum();
    let figures = format!(
        "p99.9 of {HOME} idle {idle}; during {SCANS} scans of {:.0?} each {during}; {ratio:.2} of idle, at most {MOST}",
        took / SCANS as u32,
    );
    Ok(Verdict { is_kept: ratio <= MOST, figures })
}

/// Asks for one scan. Returns when it was asked for and answered.
fn holders(service: &Service, request: &[u8]) -> Result<Interval> {
    let (begin, mut answered) = (Instant::now(), None);
    Client::open(service.address, 1)?.send_to_all(request, LIMIT, |answer| {
        let is_whole = answer.body.windows(WHOLE.len()).any(|part| part == WHOLE.as_bytes());
        answered = Some((answer.status, is_whole));
    })?;
    match answered {
        Some((200, true)) => Ok((begin, Instant::now())),
        Some((200, false)) => Err("the scan ended early".into()),
        Some((status, _)) => Err(format!("the scan got status {status}").into()),
        None => Err(format!("no answer to the scan within {LIMIT:?}").into()),
    }
}

/// Latencies in ascending order.
struct Latencies(Vec<Duration>);

impl Latencies {
    fn new(requests: &[Interval]) -> Self {
        let mut latencies: Vec<Duration> = requests.iter().map(|(due, answered)| *answered - *due).collect();
        latencies.sort_unstable();
        Self(latencies)
    }

    /// The latency that this share of the requests does not exceed.
    fn permille(&self, share: usize) -> Duration {
        let at = (self.0.len() * share).div_ceil(1000).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Latencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [p50, p99, p999] = [500, 990, 999].map(|share| self.permille(share));
        write!(f, "{p999:.1?} (p50 {p50:.1?}, p99 {p99:.1?}, {} requests)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_latencies_is_one_of_them() {
        let begin = Instant::now();
        let requests: Vec<Interval> =
            (1..=2000).map(|at| (begin, begin + Duration::from_millis(at))).collect();
        let latencies = Latencies::new(&requests);
        assert_eq!([500, 999, 1000].map(|share| latencies.permille(share).as_millis()), [1000, 1998, 2000]);
        assert_eq!(Latencies::new(&[]).permille(999), Duration::ZERO);
    }
}
