//! Measures the table of types and `jemalloc_pprof` side by side: runs a bench as its own child, and collects the
//! figures that it prints, including resident memory.
//!
//! Both cache symbols, so a process has only one first hit. `large-binary` includes this file.

use std::collections::BTreeMap;
use std::fmt;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jemalloc_pprof::PROF_CTL;
use memory_debug_core::{Collected, Collector, Scope, spawn_collecting};

/// The figures of several runs, by name.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<String, Vec<i64>>);

impl Figures {
    /// Runs this program as a child with additional environment variables, and adds the figures that it prints as
    /// `name: value`.
    ///
    /// # Panics
    ///
    /// If the child fails or prints something else.
    pub fn run(&mut self, environment: &[(&str, &str)]) {
        let executable = std::env::current_exe().expect("a running program has an executable");
        let output =
            Command::new(executable).envs(environment.iter().copied()).output().expect("the child starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        for line in text.lines() {
            let (name, value) = line.rsplit_once(": ").expect("the child prints `name: value`");
            self.0.entry(name.to_owned()).or_default().push(value.parse().expect("a number"));
        }
    }

    /// The median of a figure.
    ///
    /// # Panics
    ///
    /// If no child printed it.
    pub fn median(&self, name: &str) -> i64 {
        median(self.0[name].clone())
    }

    /// The ratio of the medians of two figures.
    ///
    /// # Panics
    ///
    /// If no child printed one of the figures.
    pub fn ratio(&self, ours: &str, peer: &str) -> f64 {
        self.median(ours) as f64 / self.median(peer) as f64
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, values) in &self.0 {
            writeln!(f, "{name:<40} {:>12}   {values:?}", median(values.clone()))?;
        }
        Ok(())
    }
}

/// The median, the upper one of two.
///
/// # Panics
///
/// If there are no values.
pub fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The time that work takes, in microseconds.
///
/// # Panics
///
/// If the work takes more than 300,000 years.
pub fn time(work: impl FnOnce()) -> i64 {
    let begin = Instant::now();
    work();
    let elapsed: Duration = begin.elapsed();
    i64::try_from(elapsed.as_micros()).expect("less than 300,000 years")
}

/// Collects the table on a separate thread, like a request.
///
/// # Panics
///
/// If the collection panics.
pub fn ours(collector: &Arc<Collector>) -> Collected {
    let collector = Arc::clone(collector);
    let thread = spawn_collecting(move || collector.collect(Scope::Types)).expect("a thread");
    thread.join().expect("no panic")
}

/// Takes a profile with the peer, like a service that uses the peer.
///
/// # Panics
///
/// If the peer gives no profile.
pub fn peer() {
    peer_profile();
}

/// The profile of the peer.
///
/// # Panics
///
/// If the peer gives no profile.
pub fn peer_profile() -> Vec<u8> {
    let control = PROF_CTL.as_ref().expect("profiling is on");
    let profile = control.blocking_lock().dump_pprof().expect("a profile");
    assert!(profile.starts_with(&[0x1f, 0x8b]), "gzip");
    profile
}

/// A line of `/proc/self/status`, in bytes.
///
/// # Panics
///
/// If the system is not Linux.
pub fn resident(field: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the kernel shows the field");
    let kib: i64 = line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

/// Waits until the service has finished its start, so that its own growth does not count as ours.
pub fn settle() {
    let (mut last, mut still) = (0, 0);
    while still < 5 {
        std::thread::sleep(Duration::from_millis(50));
        let now = resident("VmRSS");
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
}
