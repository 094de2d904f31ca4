//! A reader of the live samples, which compares what it reads with what must hold at any time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use memory_debug_core::__private::live_samples;
use memory_debug_core::{record_live_samples, spawn_collecting};

/// A thread that reads until it is stopped.
pub(crate) struct Samples {
    counts: Arc<Counts>,
    reader: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    reads: AtomicU64,
    /// Samples in the last reading.
    live: AtomicU64,
    /// Samples that are impossible.
    impossible: AtomicU64,
}

impl Samples {
    /// Starts recording, and a reader. Call it before the load starts, so that hardly anything is older.
    pub(crate) fn start() -> Self {
        record_live_samples().expect("jemalloc is the allocator, and profiles");
        let counts = Arc::new(Counts::default());
        let of_reader = Arc::clone(&counts);
        // What it allocates stays out of the samples.
        let reader = spawn_collecting(move || {
            while !of_reader.stop.load(Ordering::Relaxed) {
                of_reader.read();
                thread::yield_now();
            }
        });
        Self { counts, reader: reader.expect("a thread") }
    }

    /// The number of readings so far, what was in the last one, and what must be 0.
    pub(crate) fn progress(&self) -> String {
        let status = live_samples::status().expect("it records");
        let [reads, live, impossible] = [&self.counts.reads, &self.counts.live, &self.counts.impossible]
            .map(|count| count.load(Ordering::Relaxed));
        format!(
            "reads={reads} live={live} impossible={impossible} dropped={} orphans={}",
            status.dropped, status.orphan_frees
        )
    }

    /// Stops the reader. Returns the samples that are left.
    pub(crate) fn stop(self) -> usize {
        self.counts.stop.store(true, Ordering::Relaxed);
        self.reader.join().expect("the reader panicked");
        live_samples::read().expect("it records").samples.len()
    }
}

impl Counts {
    fn read(&self) {
        let read = live_samples::read().expect("it records");
        let mut sequences = HashSet::with_capacity(read.samples.len());
        let impossible = read.samples.iter().filter(|sample| {
            // The clock of the ages advances every few milliseconds.
            let is_possible = sample.requested <= sample.usable
                && sample.age.as_millis() <= read.recorded.as_millis() + 20
                && sequences.insert(sample.sequence);
            !is_possible
        });
        self.impossible.fetch_add(impossible.count() as u64, Ordering::Relaxed);
        self.live.store(read.samples.len() as u64, Ordering::Relaxed);
        self.reads.fetch_add(1, Ordering::Relaxed);
    }
}
