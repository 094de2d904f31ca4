//! Watches the process that does the work from outside, because a deadlocked process cannot report its deadlock.

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{IS_CHILD, Mode};

/// The time without answers or without allocations that counts as a deadlock.
const STUCK: Duration = Duration::from_secs(60);

/// The time without the end of a scan that counts as a deadlock. Scans have a minute, and give way to the load.
const NO_SCAN: Duration = Duration::from_secs(200);

/// The longest time until the first counts.
const PREPARES: Duration = Duration::from_secs(600);

/// Settings of the allocator for scans. The program turns the profiler on once it records samples, and a dump has plain
/// sums, so both can be compared.
const CONF_OF_SCANS: &str = "prof_active:false,prof_unbias:false";

type Progress = HashMap<String, u64>;

/// Runs the work, and prints the result.
pub(crate) fn run(mode: Mode) -> ExitCode {
    let mut command = Command::new(env::current_exe().expect("a running program has a path"));
    command.args(env::args().skip(1)).env(IS_CHILD, "1").stdout(Stdio::piped());
    if mode == Mode::Scans {
        command.env("_RJEM_MALLOC_CONF", CONF_OF_SCANS);
    }
    let mut child = command.spawn().expect("this program runs");
    let outcome = watch(&mut child, mode);
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
    match check(&progress, mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => fail(reason),
    }
}

fn fail(reason: &str) -> ExitCode {
    println!("FAILED {reason}");
    ExitCode::FAILURE
}

/// Returns the last counts that the process printed, or an error if a count stood still.
fn watch(child: &mut Child, mode: Mode) -> Result<Progress, String> {
    let (sender, lines) = channel();
    let stdout = child.stdout.take().expect("it is piped");
    thread::spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let mut last = Progress::new();
    let mut moved: HashMap<_, _> =
        ["allocations", "answers"].map(|name| (name, (STUCK, Instant::now()))).into();
    if mode == Mode::Scans {
        moved.insert("scans", (NO_SCAN, Instant::now()));
    }
    let (begin, mut last_report) = (Instant::now(), Instant::now());
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
                for (name, (_, moved)) in &mut moved {
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
        // Before the first counts, the process prepares itself under load.
        if last.is_empty() && begin.elapsed() < PREPARES {
            continue;
        }
        if let Some((name, (limit, _))) = moved.iter().find(|(_, (limit, moved))| moved.elapsed() >= *limit) {
            return Err(format!("no new {name} for {} s, last counts: {last:?}", limit.as_secs()));
        }
    }
}

/// Checks that everything happened that had to happen, and nothing that must not.
fn check(progress: &Progress, mode: Mode) -> Result<(), &'static str> {
    let count = |name: &str| progress.get(name).copied().unwrap_or(0);
    for (name, reason) in MISTAKES {
        if count(name) > 0 {
            return Err(reason);
        }
    }
    let events = match mode {
        Mode::Pages => &OF_PAGES[..],
        Mode::Scans => &OF_SCANS[..],
    };
    for (name, reason) in EVENTS.iter().chain(events) {
        if count(name) == 0 {
            return Err(reason);
        }
    }
    Ok(())
}

/// Counts that must be 0.
const MISTAKES: [(&str, &str); 10] = [
    ("wrong", "a page was not answered with 200"),
    ("impossible", "a live sample was a mixture of two"),
    ("dropped", "a sample found no place in the table"),
    ("without_reason", "a scan had neither a result nor a reason"),
    ("wrongly_lost", "memory in use was called unreachable"),
    ("missed", "a whole scan missed a type"),
    ("children_failed", "a forked child did not end in order"),
    ("leaked", "the process has more descriptors, threads or mappings than before"),
    ("grown", "the process has more memory than before"),
    ("unequal", "the live samples differ from the dump"),
];

/// Counts that must not be 0.
const EVENTS: [(&str, &str); 5] = [
    ("allocations", "nothing was allocated"),
    ("answers", "nothing was answered"),
    ("threads", "no short-lived thread ran"),
    ("loads", "no library was loaded"),
    ("panics", "nothing panicked"),
];

const OF_PAGES: [(&str, &str); 3] = [
    ("collections", "nothing was collected"),
    ("reads", "no live samples were read"),
    ("live", "no sample was live"),
];

/// Memory is called unreachable when it is older than a minute.
const OF_SCANS: [(&str, &str); 5] = [
    ("whole", "no scan was whole"),
    ("rightly_lost", "no leak was found; a run of less than three minutes is too short"),
    ("polls_of_running", "no scan was seen while it ran"),
    ("cancelled", "no client hung up"),
    ("children_scanned", "no child scanned itself"),
];

/// Prints the stacks of the process's threads, if gdb is installed.
fn print_stacks(pid: u32) {
    let gdb = ["--batch", "-ex", "thread apply all backtrace", "-p"];
    match Command::new("gdb").args(gdb).arg(pid.to_string()).status() {
        Ok(_) => {}
        Err(_) => println!("no stacks: gdb is not installed"),
    }
}
