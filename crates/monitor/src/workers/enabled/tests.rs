//! Real blocks on real runtimes. Times of a busy machine are not asserted, only what holds by construction: how many
//! events there are, which thread and which system call they name, and that a block lasted at least as long as it was
//! made.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Handle, Runtime as Tokio};
use tokio::task::{LocalSet, block_in_place, spawn_blocking, yield_now};

use super::*;
use crate::thread_id::thread_id;
use crate::{Label, poll_as, spawn, task};

mod script;
mod stopped;

/// As by default. Blocks here are much longer or much shorter, because the machine may be busy.
const THRESHOLD: Duration = crate::workers::THRESHOLD;

/// As a monitor without rules that need more.
const INTERVAL: Duration = Duration::from_secs(1);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Looks at workers on a thread of its own, as the monitor does.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Seen>>,
}

/// What a watch saw.
struct Seen {
    events: Vec<MonitorEvent>,
    current: Vec<BlockedWorker>,
}

impl Watch {
    fn start(name: &str, handle: &Handle) -> Self {
        let runtimes = Runtimes::new(vec![(name.to_owned(), handle.clone())]);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let ready = Arc::new(Barrier::new(2));
        let begun = Arc::clone(&ready);
        let thread = thread::spawn(move || {
            let mut workers = Workers::new(runtimes, THRESHOLD);
            let mut events = Vec::new();
            let start = Instant::now();
            let mut planned = Duration::ZERO;
            let mut is_first = true;
            loop {
                let now = start.elapsed();
                let look = workers.look(now, 1_700_000_000_000, now.saturating_sub(planned));
                events.extend(look.events);
                if std::mem::take(&mut is_first) {
                    begun.wait();
                }
                if stopped.load(Ordering::Relaxed) {
                    return Seen { events, current: workers.current() };
                }
                let pause = look.next.map_or(INTERVAL, |next| next.min(INTERVAL));
                planned = start.elapsed() + pause;
                thread::park_timeout(pause);
            }
        });
        ready.wait();
        Self { stop, thread: Some(thread) }
    }

    /// Looks once more, and returns what was seen of the runtime `name`.
    fn finish(mut self, name: &str) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().unwrap();
        thread.thread().unpark();
        let mut seen = thread.join().unwrap();
        // Runtimes of other tests may have announced themselves.
        let is_own = |block: &BlockedWorker| block.runtime == name;
        seen.events.retain(|event| event.blocked.as_ref().is_none_or(is_own));
        seen.current.retain(is_own);
        seen
    }
}

impl Seen {
    fn blocks(&self) -> Vec<&BlockedWorker> {
        self.events.iter().filter_map(|event| event.blocked.as_ref()).collect()
    }

    fn texts(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.text.as_str()).collect()
    }
}

/// The most times that a block is repeated.
const ATTEMPTS: usize = 10;

/// Repeats `run` while the machine is too busy: if the process had no processor, no worker is blamed.
fn unless_starved<T>(run: impl Fn() -> (Seen, T)) -> (Seen, T) {
    let is_starved = |seen: &Seen| seen.events.iter().any(|event| event.kind == EventKind::ProcessStarved);
    let told = |(seen, _): &(Seen, T)| !seen.blocks().is_empty() || !is_starved(seen);
    (0..ATTEMPTS).map(|_| run()).find(told).expect("the machine is too busy for this test")
}

/// Computes until this thread has had so much time on a processor.
fn compute(time: Duration) {
    let used = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or(0))
    };
    let end = used() + time;
    while used() < end {
        std::hint::spin_loop();
    }
}

/// Waits for a mutex that another thread holds.
fn wait_for_mutex(time: Duration) {
    let mutex = Arc::new(Mutex::new(()));
    let (tell, told) = std::sync::mpsc::channel();
    let held = Arc::clone(&mutex);
    thread::spawn(move || {
        let _guard = held.lock().unwrap();
        tell.send(()).unwrap();
        thread::sleep(time);
    });
    told.recv().unwrap();
    drop(mutex.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Reads from a pipe with a name, into which another thread writes late.
fn read_fifo(time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let other_end = path.clone();
    thread::spawn(move || {
        let mut file = File::options().write(true).open(other_end).unwrap();
        thread::sleep(time);
        file.write_all(b"x").unwrap();
        // Not removed by the worker, which would wait for the disk.
        drop(folder);
    });
    let mut byte = [0];
    File::open(&path).unwrap().read_exact(&mut byte).unwrap();
}

/// A block of a worker: its name, what it does, and the system call in which it waits.
type Block = (&'static str, fn(), Option<&'static str>);

const BLOCKS: [Block; 4] = [
    ("sleep", || thread::sleep(millis(1_000)), Some("clock_nanosleep")),
    ("compute", || compute(millis(500)), None),
    ("mutex", || wait_for_mutex(millis(700)), Some("futex")),
    ("fifo", || read_fifo(millis(700)), Some("read")),
];

fn multi_thread() -> Tokio {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn current_thread() -> Tokio {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Waits until all workers are parked, so that their counters say that they have come back.
fn settle(runtime: &Tokio) {
    runtime.block_on(async { tokio::time::sleep(millis(1)).await });
    let metrics = runtime.metrics();
    let is_multi = runtime.handle().runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread;
    let is_active = |worker| metrics.worker_park_unpark_count(worker).is_multiple_of(2);
    while is_multi && (0..metrics.num_workers()).any(is_active) {
        thread::yield_now();
    }
}

/// Runs each block as a task of its own and expects exactly one event for it.
fn expect_one_event_each(kind: &str, runtime: &Tokio) {
    for (block, wait, call) in BLOCKS {
        let name = format!("{kind}, {block}");
        let (seen, tid) = unless_starved(|| {
            settle(runtime);
            let watch = Watch::start(&name, runtime.handle());
            let work = runtime.spawn(async move {
                wait();
                thread_id()
            });
            let tid = runtime.block_on(work).unwrap();
            settle(runtime);
            (watch.finish(&name), tid)
        });
        let blocks = seen.blocks();
        assert_eq!(blocks.len(), 1, "{name}: {:?}", seen.texts());
        let found = blocks[0];
        assert!(found.worker.is_some(), "{name}: {found:?}");
        assert!(Duration::from_millis(found.duration_ms) >= THRESHOLD, "{name}: {found:?}");
        let thread = found.threads.iter().find(|thread| thread.tid == tid);
        let thread = thread.unwrap_or_else(|| panic!("{name}: thread {tid} is not in {found:?}"));
        match call {
            Some(call) => assert_eq!(thread.syscall.as_deref(), Some(call), "{name}: {found:?}"),
            None => assert_eq!(thread.doing.as_deref(), Some("computing"), "{name}: {found:?}"),
        }
        assert_eq!(seen.current.len(), 1, "{name}");
    }
}

#[test]
fn m9_each_block_of_a_multi_thread_runtime_is_one_event() {
    expect_one_event_each("multi-thread", &multi_thread());
}

#[test]
fn m9_each_block_of_a_current_thread_runtime_is_one_event() {
    expect_one_event_each("current-thread", &current_thread());
}

/// As a worker of actix-web: a current-thread runtime that runs a set of local tasks and announces itself.
#[test]
fn m9_each_block_of_a_runtime_with_local_tasks_is_one_event() {
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel::<Box<dyn FnOnce() + Send>>();
    let (tell, told) = std::sync::mpsc::channel();
    let name = "announces-itself";
    let worker = thread::Builder::new().name(name.into()).spawn(move || {
        LocalSet::new().block_on(&current_thread(), async move {
            crate::watch_current_runtime();
            tell.send(()).unwrap();
            while let Some(work) = receive.recv().await {
                tokio::task::spawn_local(async move { work() }).await.unwrap();
            }
        });
    });
    told.recv().unwrap();
    // Another runtime, so that the watch has one to begin with.
    let other = current_thread();
    for (block, wait, call) in BLOCKS {
        let (seen, ()) = unless_starved(|| {
            let watch = Watch::start("another", other.handle());
            for work in [wait, || ()] {
                let (tell, told) = std::sync::mpsc::channel();
                send.send(Box::new(move || {
                    work();
                    tell.send(()).unwrap();
                }))
                .unwrap();
                told.recv().unwrap();
            }
            (watch.finish(name), ())
        });
        assert_eq!(seen.blocks().len(), 1, "{block}: {:?}", seen.texts());
        let found = seen.blocks()[0];
        assert_eq!(found.threads.len(), 1, "{block}: {found:?}");
        assert_eq!(found.threads[0].syscall.as_deref(), call, "{block}");
    }
    drop(send);
    worker.unwrap().join().unwrap();
    // The thread has ended, so its runtime is no longer watched.
    assert!(Watch::start("another", other.handle()).finish(name).current.is_empty());
}

#[test]
fn m9_a_block_in_a_wrapped_task_or_route_has_its_name_and_its_thread() {
    let runtime = multi_thread();
    let name = "wrapped";
    let watch = Watch::start(name, runtime.handle());
    let sleep = || {
        thread::sleep(millis(700));
        thread_id()
    };
    let first = runtime.block_on(async { spawn("orders", async move { sleep() }).await.unwrap() });
    settle(&runtime);
    let route = Label::route("GET", Some("/orders/{id}"));
    let second = runtime.block_on(runtime.spawn(async move { poll_as(route, sleep) })).unwrap();
    settle(&runtime);
    let seen = watch.finish(name);
    let blocks = seen.blocks();
    assert_eq!(blocks.len(), 2, "{:?}", seen.texts());
    assert!(blocks[0].label.as_ref().unwrap().starts_with("task orders (crates/monitor/src/workers/"));
    assert_eq!(blocks[1].label.as_deref(), Some("GET /orders/{id}"));
    for (block, tid) in blocks.iter().zip([first, second]) {
        assert_eq!(block.threads.iter().map(|thread| thread.tid).collect::<Vec<_>>(), [tid]);
    }
    assert!(seen.texts()[1].contains("in GET /orders/{id}; it was thread"), "{}", seen.texts()[1]);
}

/// Blocks both workers at the same time, while only one of their threads is known to work for the runtime.
fn block_together(name: &str) -> (Seen, [u32; 2]) {
    let runtime = multi_thread();
    let gate = Arc::new(Barrier::new(2));
    let held = Arc::clone(&gate);
    let holder = runtime.spawn(async move {
        held.wait();
        held.wait();
    });
    gate.wait();
    let watch = Watch::start(name, runtime.handle());
    // What learns the threads runs on the other worker.
    while runtime.metrics().num_alive_tasks() > 1 {
        thread::yield_now();
    }
    gate.wait();
    let both = Arc::new(Barrier::new(2));
    let sleep = |both: Arc<Barrier>| async move {
        both.wait();
        thread::sleep(millis(900));
        thread_id()
    };
    let tids = runtime.block_on(async {
        holder.await.unwrap();
        let (first, second) = (tokio::spawn(sleep(both.clone())), tokio::spawn(sleep(both)));
        [first.await.unwrap(), second.await.unwrap()]
    });
    settle(&runtime);
    (watch.finish(name), tids)
}

#[test]
fn m9_workers_that_are_blocked_together_are_not_taken_for_one_thread() {
    let together = |seen: &Seen| -> Vec<Vec<u32>> {
        let long = seen.blocks().into_iter().filter(|block| block.duration_ms >= 600);
        long.map(|block| block.threads.iter().map(|thread| thread.tid).collect()).collect()
    };
    let both_blamed = |(seen, _): &(Seen, [u32; 2])| together(seen).len() == 2;
    let (seen, tids) = (0..ATTEMPTS)
        .map(|_| block_together("together"))
        .find(both_blamed)
        .expect("the machine is too busy for this test");
    let named = together(&seen);
    assert!(tids.iter().all(|tid| named.concat().contains(tid)), "{tids:?}: {:?}", seen.texts());
    assert!(named[0].len() > 1 || named[0] != named[1], "{:?}", seen.texts());
}

/// What a service does that is not blocked, for about as long as `time`.
async fn work_without_blocks(time: Duration, may_block_in_place: bool) {
    let end = Instant::now() + time;
    spawn_blocking(move || thread::sleep(time)).await.unwrap();
    if may_block_in_place {
        task("blocks in place", async move { block_in_place(|| thread::sleep(time)) }).await;
    }
    let yields = tokio::spawn(async move {
        while Instant::now() < end + 2 * time {
            yield_now().await;
        }
    });
    let short: Vec<_> = (0..time.as_millis()).map(|_| tokio::spawn(async { compute(millis(1)) })).collect();
    for task in short {
        task.await.unwrap();
    }
    yields.await.unwrap();
    tokio::spawn(async { thread::sleep(millis(50)) }).await.unwrap();
    tokio::time::sleep(time).await;
}

#[test]
fn m9_work_that_does_not_block_is_no_event() {
    for (name, runtime, may_block_in_place) in
        [("quiet multi-thread", multi_thread(), true), ("quiet current-thread", current_thread(), false)]
    {
        let watch = Watch::start(name, runtime.handle());
        let work = async move {
            tokio::spawn(work_without_blocks(millis(400), may_block_in_place)).await.unwrap();
        };
        runtime.block_on(work);
        let seen = watch.finish(name);
        assert!(seen.blocks().is_empty() && seen.current.is_empty(), "{name}: {:?}", seen.texts());
    }
}

#[test]
fn m9_a_runtime_that_has_ended_or_was_not_begun_is_not_blocked() {
    let name = "has ended";
    let runtime = multi_thread();
    let handle = runtime.handle().clone();
    drop(runtime);
    let idle = current_thread();
    let watch = Watch::start(name, &handle);
    let other = Watch::start("runs nothing", idle.handle());
    thread::sleep(2 * THRESHOLD);
    assert!(watch.finish(name).events.is_empty());
    let seen = other.finish("runs nothing");
    assert!(seen.events.is_empty() && seen.current.is_empty());
}

/// A block that lasts for longer than five seconds, with times of its own.
#[test]
fn m9_a_long_block_is_one_event_that_is_completed_later() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    settle(&runtime);
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let mut workers = Workers::new(Runtimes::new(vec![("long".into(), runtime.handle().clone())]), THRESHOLD);
    let own = |look: Look| -> Vec<MonitorEvent> {
        let is_own =
            |event: &MonitorEvent| event.blocked.as_ref().is_some_and(|block| block.runtime == "long");
        look.events.into_iter().filter(is_own).collect()
    };
    let (tell, told) = std::sync::mpsc::channel();
    let blocked = runtime.spawn(async move {
        tell.send(()).unwrap();
        let _ = wait.recv();
    });
    told.recv().unwrap();
    let mut events = Vec::new();
    let mut now = Duration::ZERO;
    while now < Duration::from_secs(8) {
        events.extend(own(workers.look(now, 1_000_000, Duration::ZERO)));
        now += millis(50);
    }
    assert_eq!(events.len(), 1);
    let sent = events[0].blocked.clone().unwrap();
    assert!(!sent.ended && (5_000..5_200).contains(&sent.duration_ms), "{sent:?}");
    assert!(events[0].text.contains("has not come back"), "{}", events[0].text);
    let is_own = |workers: &Workers| {
        workers.current().into_iter().filter(|block| block.runtime == "long").collect::<Vec<_>>()
    };
    assert!(matches!(is_own(&workers).as_slice(), [open] if !open.ended && open.duration_ms > 7_000));
    drop(release);
    runtime.block_on(blocked).unwrap();
    runtime.block_on(runtime.spawn(async {})).unwrap();
    // It parks at some time.
    while is_own(&workers).iter().any(|block| !block.ended) {
        assert!(own(workers.look(now, 1_000_000, Duration::ZERO)).is_empty());
        now += millis(1);
        thread::yield_now();
    }
    assert!(matches!(is_own(&workers).as_slice(), [ended] if ended.ended));
}

#[test]
fn idle_workers_are_not_looked_at_more_often_than_the_monitor_looks_anyway() {
    let runtime = current_thread();
    let mut workers = Workers::new(Runtimes::new(vec![("idle".into(), runtime.handle().clone())]), THRESHOLD);
    // Without the runtimes of other tests.
    workers.runtimes.update();
    let others = workers.runtimes.iter().map(|runtime| runtime.handle.id());
    let others: Vec<_> = others.filter(|id| *id != runtime.handle().id()).collect();
    workers.runtimes.forget(&others);
    runtime.block_on(async {
        while runtime.metrics().num_alive_tasks() > 0 {
            yield_now().await;
        }
    });
    let mut look = |seconds: u64| workers.look(Duration::from_secs(seconds), 0, Duration::ZERO).next;
    assert_eq!(look(0), Some(THRESHOLD / 4));
    assert_eq!(look(100), None);
}
