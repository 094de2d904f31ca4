//! Measures what a tracer costs the example while it counts: `trace-cost [ROUNDS [all]]`.
//!
//! Serves the axum example in this process with one worker, and sends it the same requests again and again, while the
//! tracer counts and while it does not. The two take turns, so both have the same addresses, caches and neighbours.
//! While it does not count, another tracer counts, which nothing uses: a start takes memory, and that alone changes the
//! figures by half a per cent for a while.
//! Prints the processor time of the worker per request, the requests per second, and how the tracer changed both, as the
//! median of all rounds: for all kinds of requests in turn, which `measure/trace-cost` judges, and with `all` also for each
//! kind alone.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use axum_service::Config;
use memory_debug_axum::tracer::Tracer;
use memory_debug_benches::shop_load::{Clients, Kind, MIXED, Result, median, serve};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

memory_debug_axum::install!();

/// How often the two take turns, unless the command line says otherwise. The median of an odd number is one of them.
const ROUNDS: usize = 41;

/// Requests of each kind in half a round. A half takes some tens of milliseconds.
const REQUESTS: usize = 1_600;

/// Requests before each half that are not measured. The first ones after a start make the nodes, which takes as long as
/// counting some hundred requests.
const WARM_UP: usize = 128;

/// The figures of half a round.
#[derive(Clone, Copy)]
struct Half {
    processor: Duration,
    wall: Duration,
}

fn main() -> Result<()> {
    let rounds = std::env::args().nth(1).map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let is_wanted = |kind: &Kind| kind.name == MIXED || std::env::args().nth(2).is_some();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let tracer = Tracer::new();
    let address = runtime.block_on(serve(&Config::small(), Some(tracer.clone())))?;
    let mut clients = Clients::connect(address)?;

    println!("{:<22} {:>22} {:>22} {:>9} {:>8}", "requests", "not counted", "counted", "req/s", "added");
    for kind in clients.kinds()?.into_iter().filter(is_wanted) {
        half(&runtime, &tracer, true, &mut clients, &kind)?;
        let (mut off, mut on) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // Both orders, in case the second half of a round has an advantage.
            let counts = round % 2 == 0;
            for counts in [counts, !counts] {
                let half = half(&runtime, &tracer, counts, &mut clients, &kind)?;
                if counts { on.push(half) } else { off.push(half) }
            }
        }
        let change = |time: fn(&Half) -> Duration| {
            let ratios =
                on.iter().zip(&off).map(|(on, off)| time(on).as_secs_f64() / time(off).as_secs_f64());
            median(ratios)
        };
        let (added, slower) = (change(|half| half.processor), change(|half| half.wall));
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        println!(
            "{:<22} {:>22} {:>22} {:>+8.2}% {:>+7.2}%",
            kind.name,
            figures(&off),
            figures(&on),
            percent(1.0 / slower),
            percent(added)
        );
    }
    Ok(())
}

/// Sends the requests of half a round.
fn half(
    runtime: &Runtime,
    tracer: &Tracer,
    counts: bool,
    clients: &mut Clients,
    kind: &Kind,
) -> Result<Half> {
    let other = Tracer::new();
    if counts {
        tracer.install()
    } else {
        other.install()
    }
    clients.send(kind, WARM_UP)?;
    let (processor, wall) = (worker_time(runtime)?, Instant::now());
    clients.send(kind, REQUESTS)?;
    let half = Half { wall: wall.elapsed(), processor: worker_time(runtime)?.saturating_sub(processor) };
    tracer.uninstall();
    other.uninstall();
    Ok(half)
}

/// The processor time that the only worker has used.
fn worker_time(runtime: &Runtime) -> Result<Duration> {
    let time = runtime.block_on(runtime.spawn(async { clock_gettime(ClockId::ThreadCPUTime) }))?;
    Ok(Duration::try_from(time)?)
}

/// Processor time per request and requests per second, each as a median.
fn figures(halves: &[Half]) -> String {
    let per_request = |time: Duration| time.as_secs_f64() * 1e6 / REQUESTS as f64;
    let processor = median(halves.iter().map(|half| per_request(half.processor)));
    let wall = median(halves.iter().map(|half| per_request(half.wall)));
    format!("{processor:.2} us {:>7.0}/s", 1e6 / wall)
}
