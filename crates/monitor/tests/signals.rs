//! Signals to a whole process. A program of its own, because it starts itself again and its handlers are process-wide.
#![cfg(all(feature = "signal", feature = "tracing", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use memory_debug_monitor::{Monitor, Signal};
use rustix::process::{Pid, Signal as Number, kill_process};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Set in the process that gets the signals.
const IS_SERVICE: &str = "MEMORY_DEBUG_IS_SERVICE";

/// Prints each message of the log as a line.
struct Log;

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line;

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            println!("{value:?}");
        }
    }
}

/// A service that allocates on two threads until its standard input ends.
fn serve() {
    tracing::subscriber::set_global_default(Log).unwrap();
    let monitor = Monitor::new().on_signal(Signal::Usr1).on_signal(Signal::Usr2).start().unwrap();
    for _ in 0..2 {
        thread::spawn(|| {
            loop {
                std::hint::black_box(vec![0_u8; 4096]);
            }
        });
    }
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    monitor.stop();
    println!("ended in order");
}

#[test]
fn m11_a_thousand_signals_to_a_busy_process_are_one_report_in_ten_seconds() {
    if std::env::var_os(IS_SERVICE).is_some() {
        return serve();
    }
    let name = "m11_a_thousand_signals_to_a_busy_process_are_one_report_in_ten_seconds";
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(IS_SERVICE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("ready")), "it ended before it was ready");
    let pid = Pid::from_child(&service);
    for number in 0..1_000 {
        let signal = if number % 2 == 0 { Number::USR1 } else { Number::USR2 };
        kill_process(pid, signal).unwrap();
        // Signals of one kind that arrive together are one.
        thread::sleep(Duration::from_millis(1));
    }
    let is_report = |line: &String| line.starts_with("memory: signal Usr");
    assert!(lines.any(|line| is_report(&line)), "no report");
    assert_eq!(service.try_wait().unwrap(), None, "it is alive");
    drop(service.stdin.take());
    let rest: Vec<_> = lines.collect();
    assert!(rest.iter().any(|line| line == "ended in order"), "{rest:?}");
    assert!(service.wait().unwrap().success());
    let reports = 1 + rest.iter().filter(|line| is_report(line)).count() as u64;
    let most = 1 + started.elapsed().as_secs() / 10;
    assert!(reports <= most, "{reports} reports, at most {most}: {rest:?}");
}
