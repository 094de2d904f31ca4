//! Measures what the recording of live samples costs the example: `table-cost [PAIRS [routes]]`.
//!
//! Serves the axum example in two processes with one worker each. One records live samples from its start, the other
//! none. Both get the same requests, in turns of some tens of milliseconds and in both orders, so both have the same
//! neighbours. A new pair has other addresses and another order of start. Prints for each kind of request the processor
//! time of all threads of a process per request, and what recording added, with its confidence interval over all pairs.
//! The last line has the figure that `measure/table-cost` judges.
//!
//! With `routes`, both have the layer for routes, which does not count. Recording then includes the labels that the layer
//! sets around each poll.

#![forbid(unsafe_code)]

use std::fs;
use std::io::{BufRead, BufReader, stdin};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum_service::Config;
use memory_debug_axum::tracer::Tracer;
use memory_debug_benches::shop_load::{Clients, Kind, MIXED, Result, median, serve};
use tokio::runtime::Builder;

memory_debug_axum::install!();

/// Pairs of processes, unless the command line says otherwise.
const PAIRS: usize = 20;

/// How often the processes of a pair take turns with all kinds of requests mixed, and with one kind.
const ROUNDS: usize = 20;
const ROUNDS_OF_ONE: usize = 2;

/// Requests of one turn.
const REQUESTS: usize = 1_600;

/// Standard errors to each side of the mean that a confidence interval of 95 % has, for 20 pairs or more.
const STDERRS: f64 = 2.1;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if has("serve") {
        return serve_until_stopped(has("recording"), has("routes"));
    }
    let pairs = arguments.first().map_or(Ok(PAIRS), |pairs| pairs.parse())?;
    measure(pairs, has("routes"))
}

/// Serves the example and prints its address. Ends with its input, so it does not outlive the measuring process.
fn serve_until_stopped(records: bool, has_routes: bool) -> Result<()> {
    if records {
        memory_debug_core::record_live_samples()?;
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let tracer = has_routes.then(Tracer::new);
    let address = runtime.block_on(serve(&Config::full(), tracer))?;
    println!("{address}");
    stdin().lines().for_each(drop);
    Ok(())
}

/// Processor time of one kind of request in one pair, in nanoseconds per request, for each round.
#[derive(Default)]
struct Times {
    without: Vec<f64>,
    recording: Vec<f64>,
}

impl Times {
    /// What recording added in the median of the rounds, in percent. The median, because a neighbour can slow down a
    /// turn.
    fn added(&self) -> f64 {
        let ratios = self.recording.iter().zip(&self.without).map(|(recording, without)| recording / without);
        (median(ratios) - 1.0) * 100.0
    }
}

fn measure(pairs: usize, has_routes: bool) -> Result<()> {
    let mut rows: Vec<(&str, Vec<Times>)> = Vec::new();
    for pair in 0..pairs {
        // Either is started first in half of the pairs.
        let mut first = Service::start(pair % 2 == 0, has_routes)?;
        let mut second = Service::start(pair % 2 == 1, has_routes)?;
        for (number, (one, other)) in
            first.clients.kinds()?.into_iter().zip(second.clients.kinds()?).enumerate()
        {
            let rounds = if one.name == MIXED { ROUNDS } else { ROUNDS_OF_ONE };
            let times = in_turn((&mut first, &one), (&mut second, &other), rounds)?;
            match rows.get_mut(number) {
                Some((_, all)) => all.push(times),
                None => rows.push((one.name, vec![times])),
            }
        }
    }
    println!("{:<22} {:>12} {:>12} {:>8} {:>20}", "requests", "without", "recording", "added", "95 %");
    for (name, all) in rows {
        let without = median(all.iter().flat_map(|times| times.without.iter().copied())) / 1e3;
        let recording = median(all.iter().flat_map(|times| times.recording.iter().copied())) / 1e3;
        let (added, around) = added(&all);
        let interval = format!("{:+.2} to {:+.2}%", added - around, added + around);
        println!("{name:<22} {without:>9.2} us {recording:>9.2} us {added:>+7.2}% {interval:>20}");
    }
    Ok(())
}

/// What recording added in the mean of all pairs, in percent, and how far the confidence interval reaches to each side.
fn added(all: &[Times]) -> (f64, f64) {
    let added: Vec<f64> = all.iter().map(Times::added).collect();
    let number = added.len() as f64;
    let mean = added.iter().sum::<f64>() / number;
    let variance = added.iter().map(|added| (added - mean).powi(2)).sum::<f64>() / (number - 1.0);
    (mean, STDERRS * (variance / number).sqrt())
}

/// Sends requests to both services in turns: A B B A.
fn in_turn(one: (&mut Service, &Kind), other: (&mut Service, &Kind), rounds: usize) -> Result<Times> {
    let mut times = Times::default();
    let mut turns = [one, other];
    for (service, kind) in &mut turns {
        service.clients.send(kind, REQUESTS)?;
    }
    for _ in 0..rounds {
        for (service, kind) in &mut turns {
            let before = service.processor_time()?;
            service.clients.send(kind, REQUESTS)?;
            let time = service.processor_time()?.saturating_sub(before) as f64 / REQUESTS as f64;
            if service.records { times.recording.push(time) } else { times.without.push(time) }
        }
        turns.reverse();
    }
    Ok(times)
}

/// The example in a process of its own.
struct Service {
    process: Child,
    records: bool,
    clients: Clients,
}

impl Service {
    fn start(records: bool, has_routes: bool) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .args(records.then_some("recording"))
            .args(has_routes.then_some("routes"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let address: SocketAddr = address.trim().parse().map_err(|_| "the service did not start")?;
        Ok(Self { process, records, clients: Clients::connect(address)? })
    }

    /// Processor time of all threads so far, in nanoseconds: the first number of `schedstat`.
    fn processor_time(&self) -> Result<u64> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            sum += text.split_ascii_whitespace().next().ok_or("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(sum)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
