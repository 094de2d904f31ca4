//! Scans back to back while all cores allocate: clients that scan, that read what scans found, that ask how far a scan is,
//! and that hang up; children that scan themselves; and memory whose holders are known.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use memory_debug_axum::{Collect, Collected, Collector, Scope, Shortage};
use memory_debug_core::__private::live_samples;
use memory_debug_core::{HoldersOptions, HoldersReport, record_live_samples};
use tikv_jemalloc_ctl::raw;

use crate::dump;
use crate::forks::Forks;
use crate::load::{Load, SteadyThreads};
use crate::pages::{answer, head, serve};
use crate::planted::{Judged, Planted};
use crate::resources::{Resources, resident_bytes};

/// Allocations that each thread of the load keeps. Fewer than without scans, so that one scan takes seconds.
const KEPT: usize = 5000;

/// What the first client reads. Each scans, but the last two only write what the scan before found.
const SCANS: [&str; 7] = [
    "/holders?scans=3&seconds=60",
    "/holders?scans=1&seconds=30&format=json",
    "/holders?scans=3&seconds=60&format=json&depth=32",
    "/holders?scans=2&seconds=1",
    "/holders?scans=1&seconds=30&format=svg",
    "/holders?last=true&format=dot",
    "/holders?last=true&type=InUse",
];

/// What the second client reads.
const OTHERS: [&str; 6] = [
    "/types?group=age",
    "/types?group=route",
    "/heap?format=heapsnapshot",
    "/doctor",
    "/holders?scans=3&seconds=60&type=InUse",
    "/trace",
];

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    /// Stops what shows that pages are still answered.
    stop_polls: AtomicBool,
    answers: AtomicU64,
    wrong: AtomicU64,
    polls: AtomicU64,
    /// Polls while a scan ran.
    running: AtomicU64,
    cancelled: AtomicU64,
}

/// The collector of this process, whose scans are judged.
struct JudgedCollector(Collector, Arc<Judged>);

impl Collect for JudgedCollector {
    fn collect(&self, scope: Scope) -> Collected {
        Collect::collect(&self.0, scope)
    }

    fn headroom(&self, scope: Scope) -> Result<(), Shortage> {
        Collect::headroom(&self.0, scope)
    }

    fn process(&self) -> Option<&Collector> {
        Some(&self.0)
    }

    fn holders(&self, options: &HoldersOptions) -> Option<HoldersReport> {
        let report = self.0.holders(options);
        self.1.add(&report);
        Some(report)
    }
}

/// Works until the time is over, prints its progress every second, and what leaked at the end.
pub(crate) fn work(time: Duration) {
    record_live_samples().expect("jemalloc is the allocator, and profiles");
    // The profiler was off until now, so that all samples have an entry.
    dump::set_sampling(true);
    let planted = Planted::make();
    let (counts, judged) = (Arc::new(Counts::default()), Arc::new(Judged::default()));
    let address = serve(JudgedCollector(Collector::new(), Arc::clone(&judged)));
    let steady = SteadyThreads::default();
    // What is made once and stays: names and stacks, also of the load, and the pages of the table.
    let load = Load::start(KEPT, steady.clone());
    for page in SCANS.iter().chain(&OTHERS).chain(&["/holders/progress"]) {
        counts.ask(address, page);
    }
    load.stop();
    for page in OTHERS {
        counts.ask(address, page);
    }
    let before = Resources::at_rest();
    let (_, allocated_before) = (allocated(), allocated());

    let load = Load::start(KEPT, steady.clone());
    let forks = Forks::start(steady);
    let poller = spawn(&counts, move |counts| counts.poll(address));
    let clients = [
        spawn(&counts, move |counts| counts.ask_all(address, &SCANS)),
        spawn(&counts, move |counts| counts.ask_all(address, &OTHERS)),
        spawn(&counts, move |counts| counts.hang_up(address)),
    ];
    let (begin, mut resident) = (Instant::now(), Vec::new());
    // The last scans, of clients and of children, end under load too.
    while begin.elapsed() < time || !clients.iter().all(JoinHandle::is_finished) || !forks.have_ended() {
        if begin.elapsed() >= time {
            counts.stop.store(true, Ordering::Relaxed);
            forks.stop();
        }
        thread::sleep(Duration::from_secs(1));
        resident.push(resident_bytes());
        println!("{} {} {} {}", load.progress(), forks.progress(), judged.progress(), counts.progress());
    }
    counts.stop_polls.store(true, Ordering::Relaxed);
    clients.into_iter().chain([poller]).for_each(|client| client.join().expect("a client panicked"));
    load.stop();

    let (early, late) = peaks(&resident);
    // Twice, because the first one brings the memory of other threads back.
    let (_, allocated_after) = (allocated(), allocated());
    println!(
        "resident, at most: {early} MiB in the second quarter, {late} MiB in the last; allocated without load: \
        {} MiB before, {} MiB after",
        allocated_before >> 20,
        allocated_after >> 20
    );
    let leaked = Resources::leaked_since(&before);
    if let Some(leaked) = &leaked {
        println!("leaked: {leaked}");
    }
    planted.stop();
    let compared = dump::compare();
    match &compared {
        Ok((stacks, samples)) => println!("{samples} live samples of {stacks} stacks are equal to the dump"),
        Err(different) => println!("{different}"),
    }
    println!(
        "{} {} {} {} leaked={} grown={} unequal={} dropped={}",
        load.progress(),
        forks.progress(),
        judged.progress(),
        counts.progress(),
        u64::from(leaked.is_some()),
        u64::from(late > early + early / 4 || allocated_after > allocated_before + (16 << 20)),
        u64::from(compared.is_err()),
        live_samples::status().map_or(1, |status| status.dropped)
    );
}

impl Counts {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn ask(&self, address: SocketAddr, page: &str) -> String {
        let answer = answer(address, page).unwrap_or_default();
        if !answer.starts_with("HTTP/1.1 200 ") {
            self.wrong.fetch_add(1, Ordering::Relaxed);
            println!("{page}: {}", answer.lines().next().unwrap_or("no answer"));
        }
        self.answers.fetch_add(1, Ordering::Relaxed);
        answer
    }

    fn ask_all(&self, address: SocketAddr, pages: &[&str]) {
        for page in pages.iter().cycle().take_while(|_| self.goes_on()) {
            self.ask(address, page);
        }
    }

    fn poll(&self, address: SocketAddr) {
        while !self.stop_polls.load(Ordering::Relaxed) {
            let answer = self.ask(address, "/holders/progress?format=json");
            self.polls.fetch_add(1, Ordering::Relaxed);
            self.running.fetch_add(u64::from(answer.contains("\"running\": {")), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks for scans, and leaves before they end.
    fn hang_up(&self, address: SocketAddr) {
        for number in (0_u64..).take_while(|_| self.goes_on()) {
            let page = format!("/holders?scans=3&seconds={}&depth={}", 10 + number % 50, 1 + number % 30);
            let asked = TcpStream::connect(address).and_then(|mut connection| {
                connection.write_all(head(&page).as_bytes())?;
                thread::sleep(Duration::from_millis(number * 37 % 500));
                // Some read a part of the reply.
                connection.set_read_timeout(Some(Duration::from_millis(1 + number % 3)))?;
                let _ = connection.read(&mut [0; 100]);
                Ok(())
            });
            self.cancelled.fetch_add(u64::from(asked.is_ok()), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn progress(&self) -> String {
        let Self { answers, wrong, polls, running, cancelled, .. } = self;
        let [answers, wrong, polls, running, cancelled] =
            [answers, wrong, polls, running, cancelled].map(|count| count.load(Ordering::Relaxed));
        format!(
            "answers={answers} wrong={wrong} polls={polls} polls_of_running={running} cancelled={cancelled}"
        )
    }
}

fn spawn(counts: &Arc<Counts>, work: impl FnOnce(&Counts) + Send + 'static) -> JoinHandle<()> {
    let counts = Arc::clone(counts);
    thread::spawn(move || work(&counts))
}

/// The most resident MiB in the second and in the last quarter of the readings.
fn peaks(resident: &[u64]) -> (u64, u64) {
    let quarter = resident.len() / 4;
    let peak = |readings: &[u64]| readings.iter().max().map_or(0, |bytes| bytes >> 20);
    (peak(&resident[quarter..2 * quarter]), peak(&resident[3 * quarter..]))
}

/// Bytes that the program has allocated.
fn allocated() -> u64 {
    // SAFETY: the manual gives `epoch` the type uint64_t.
    unsafe { raw::write(b"epoch\0", 1_u64) }.expect("jemalloc is the allocator");
    // SAFETY: the manual gives `stats.allocated` the type size_t.
    unsafe { raw::read::<usize>(b"stats.allocated\0") }.expect("jemalloc has statistics") as u64
}
