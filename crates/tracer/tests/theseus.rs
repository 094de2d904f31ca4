//! The example of theseus, a tracer for Twisted, with futures instead of Deferreds.
//!
//! theseus writes a callgrind file of functions: the time of each until its Deferred fired, and of each function that
//! it called. Its own tests (`theseus/test/test_tracer.py`, 0.14.1) say which functions and times. The same calls give
//! the same file here.

#![allow(clippy::unwrap_used, reason = "everything here is a part of tests")]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memory_debug_core::{Collector, TraceHandle};
use memory_debug_formats::TreeFormat;
use memory_debug_tracer::{TraceExt, Tracer};
use tokio::time::{Instant, sleep};

/// Functions by name.
type Functions = BTreeMap<String, Function>;

/// A function in a callgrind file, in microseconds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Function {
    own: u64,
    /// The number and the time of calls, by the function that was called.
    calls: BTreeMap<String, (u64, u64)>,
}

/// The functions of a callgrind file, by its first event. A file has one line after each `calls=`.
fn read(file: &str) -> Functions {
    let mut names = BTreeMap::new();
    // `(7) spam` gives the number 7 to a name, and `(7)` stands for it.
    let mut name = |text: &str| match text.split_once(' ') {
        Some((number, name)) => names.entry(number.to_owned()).or_insert_with(|| name.to_owned()).clone(),
        None => names[text].clone(),
    };
    let number = |word: &str| word.parse::<u64>().unwrap();
    let mut functions = Functions::new();
    let (mut function, mut callee) = (String::new(), String::new());
    let mut lines = file.lines();
    while let Some(line) = lines.next() {
        match line.split_once('=') {
            Some(("fn", text)) => function = name(text),
            Some(("cfn", text)) => callee = name(text),
            Some(("calls", text)) => {
                let count = number(text.split(' ').next().unwrap());
                let time = number(lines.next().unwrap().split(' ').nth(1).unwrap());
                let calls = &mut functions.entry(function.clone()).or_default().calls;
                let call = calls.entry(callee.clone()).or_default();
                *call = (call.0 + count, call.1 + time);
            }
            None if line.starts_with(|first: char| first.is_ascii_digit()) => {
                functions.entry(function.clone()).or_default().own += number(line.split(' ').nth(1).unwrap());
            }
            _ => {}
        }
    }
    functions
}

fn function(name: &str, own: u64, calls: &[(&str, u64, u64)]) -> (String, Function) {
    let calls = calls.iter().map(|(callee, count, time)| ((*callee).to_owned(), (*count, *time))).collect();
    (name.to_owned(), Function { own, calls })
}

/// A tracer on the paused clock, which counts. Futures count in the tracer that was installed last, so one test runs at
/// a time.
struct Installed {
    tracer: Tracer,
    _alone: MutexGuard<'static, ()>,
}

fn installed() -> Installed {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let start = Instant::now();
    let tracer = Tracer::on_clock(64, move || start.elapsed());
    tracer.install();
    Installed { tracer, _alone: alone }
}

/// What the tracer counted, written as a callgrind file and read again.
fn functions(installed: &Installed) -> Functions {
    installed.tracer.uninstall();
    let report = Collector::new().trace_report(Some(&TraceHandle::from(&installed.tracer)));
    let mut file = Vec::new();
    TreeFormat::Callgrind.write(&report.call_tree(), &mut file).unwrap();
    let file = String::from_utf8(file).unwrap();
    assert!(file.contains("\nevents: Total "), "{file}");
    read(&file)
}

async fn spam(microseconds: u64) {
    sleep(Duration::from_micros(microseconds)).await;
}

async fn spam_with_eggs(microseconds: u64) {
    sleep(Duration::from_micros(microseconds)).traced("eggs").await;
}

/// `test_tracer_calltree_output`: two calls that wait, and one whose callee waits.
#[tokio::test(start_paused = true)]
async fn waiting_is_charged_to_the_function_and_to_its_callers() {
    let tracer = installed();
    spam(500_000).traced("spam").await;
    spam(250_000).traced("spam").await;
    spam_with_eggs(125_000).traced("spam").await;
    let expected = [function("eggs", 125_000, &[]), function("spam", 750_000, &[("eggs", 1, 125_000)])];
    assert_eq!(functions(&tracer), Functions::from(expected));
}

/// `test_trace_inlineCallbacks_detection`: theseus rewrites the stack of a coroutine, so that it looks like calls. The
/// stack of a future that another future awaits needs no rewriting.
#[tokio::test(start_paused = true)]
async fn coroutines_look_like_calls() {
    let tracer = installed();
    let eggs = async || sleep(Duration::from_micros(500_000)).traced("sausage").await;
    let spam = async || eggs().traced("eggs").await;
    spam().traced("spam").await;
    let expected = [
        function("eggs", 0, &[("sausage", 1, 500_000)]),
        function("sausage", 500_000, &[]),
        function("spam", 0, &[("eggs", 1, 500_000)]),
    ];
    assert_eq!(functions(&tracer), Functions::from(expected));
}

/// theseus charges the time to the callers at the moment of the call, whatever waits for the Deferred.
#[tokio::test(start_paused = true)]
async fn the_caller_is_the_one_that_called() {
    let tracer = installed();
    let mut future: Option<Pin<Box<dyn Future<Output = ()>>>> = None;
    async { future = Some(Box::pin(spam(100_000).traced("eggs"))) }.traced("spam").await;
    async { future.take().unwrap().await }.traced("another").await;
    let functions = functions(&tracer);
    assert_eq!(functions["spam"].calls["eggs"], (1, 100_000));
    assert!(!functions["another"].calls.contains_key("eggs"), "{functions:?}");
}
