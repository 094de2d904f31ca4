//! Watches the process that does the work from outside, because a deadlocked process cannot report its deadlock.

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::IS_CHILD;

/// The time without answers or without allocations that counts as a deadlock.
const STUCK: Duration = Duration::from_secs(60);

type Progress = HashMap<String, u64>;

/// Runs the work for `seconds`, and prints the result.
pub(crate) fn run(seconds: u64) -> ExitCode {
    let mut child = Command::new(env::current_exe().expect("a running program has a path"))
        .arg(seconds.to_string())
        .env(IS_CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program runs");
    let outcome = watch(&mut child);
    if outcome.is_err() {
        print_stacks(child.id());
        // Fails if the child has already ended, which is fine.
        let _ = child.kill();
    }
    let status = child.wait().expect("it is a child");
    let progress = match outcome {
        Ok(progress) if status.success() => progress,
        Ok(_) => return fail(&format!("the process ended with {status}")),
        Err(stuck) => return fail(&stuck),
    };
    match check(&progress) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => fail(reason),
    }
}

fn fail(reason: &str) -> ExitCode {
    println!("FAILED {reason}");
    ExitCode::FAILURE
}

/// Returns the last counts that the process printed, or an error if a count stood still.
fn watch(child: &mut Child) -> Result<Progress, String> {
    let (sender, lines) = channel();
    let stdout = child.stdout.take().expect("it is piped");
    thread::spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let mut last = Progress::new();
    let mut moved = HashMap::from([("allocations", Instant::now()), ("answers", Instant::now())]);
    let mut last_report = Instant::now();
    loop {
        match lines.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => {
                let progress: Progress = line
                    .split(' ')
                    .filter_map(|pair| {
                        pair.split_once('=')
                            .and_then(|(name, count)| Some((name.to_owned(), count.parse().ok()?)))
                    })
                    .collect();
                if progress.is_empty() {
                    println!("{line}");
                    continue;
                }
                if last_report.elapsed() >= STUCK {
                    println!("{line}");
                    last_report = Instant::now();
                }
                for (name, moved) in &mut moved {
                    if progress.get(*name) != last.get(*name) {
                        *moved = Instant::now();
                    }
                }
                last = progress;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let mut counts: Vec<_> = last.iter().map(|(name, count)| format!("{name}={count}")).collect();
                counts.sort();
                println!("{}", counts.join(" "));
                return Ok(last);
            }
        }
        if let Some((name, _)) = moved.iter().find(|(_, moved)| moved.elapsed() >= STUCK) {
            return Err(format!("no new {name} for {} s, last counts: {last:?}", STUCK.as_secs()));
        }
    }
}

/// Checks that everything happened that had to happen.
fn check(progress: &Progress) -> Result<(), &'static str> {
    let count = |name: &str| progress.get(name).copied().unwrap_or(0);
    if count("wrong") > 0 {
        return Err("a page was not answered with 200");
    }
    if count("impossible") > 0 {
        return Err("a live sample was a mixture of two");
    }
    if count("dropped") > 0 {
        return Err("a sample found no place in the table");
    }
    for (name, reason) in [
        ("allocations", "nothing was allocated"),
        ("collections", "nothing was collected"),
        ("answers", "nothing was answered"),
        ("threads", "no short-lived thread ran"),
        ("loads", "no library was loaded"),
        ("panics", "nothing panicked"),
        ("reads", "no live samples were read"),
        ("live", "no sample was live"),
    ] {
        if count(name) == 0 {
            return Err(reason);
        }
    }
    Ok(())
}

/// Prints the stacks of the process's threads, if gdb is installed.
fn print_stacks(pid: u32) {
    let gdb = ["--batch", "-ex", "thread apply all backtrace", "-p"];
    match Command::new("gdb").args(gdb).arg(pid.to_string()).status() {
        Ok(_) => {}
        Err(_) => println!("no stacks: gdb is not installed"),
    }
}
