use std::sync::atomic::AtomicUsize;
use std::sync::{MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use memory_debug_core::{TaskRow, TaskState, instance_id};

use super::*;

/// The table belongs to the process, so tests that count its entries take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn current() -> TaskReport {
    let instance = InstanceInfo::new(instance_id(), 1);
    report(instance, "2026-11-20T12:12:00Z".into(), None)
}

fn row<'a>(report: &'a TaskReport, name: &str) -> &'a TaskRow {
    report.tasks.iter().find(|row| row.name == name).unwrap()
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn m12_a_task_is_new_then_running_then_idle_then_gone() {
    let _turn = alone();
    let seen = AtomicUsize::new(0);
    let line = line!() + 1;
    let mut future = Box::pin(task("feed", async {
        let report = current();
        assert_eq!(row(&report, "feed").state, TaskState::Running);
        seen.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }));
    let report = current();
    let new = row(&report, "feed");
    assert_eq!((new.state, new.polls, new.idle_ms), (TaskState::New, 0, None));
    assert_eq!(new.location, format!("{}:{line}", file!()));
    assert!(poll(future.as_mut()).is_pending());
    let report = current();
    let idle = row(&report, "feed");
    assert_eq!((idle.state, idle.polls), (TaskState::Idle, 1));
    assert!(idle.idle_ms.is_some() && idle.longest_poll_us <= idle.busy_us);
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    drop(future);
    assert!(current().tasks.iter().all(|row| row.name != "feed"));
}

#[test]
fn m12_children_stand_below_the_task_that_made_them() {
    let _turn = alone();
    let mut children: Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    let mut parent = Box::pin(task("parent", async {
        children.push(Box::pin(task("child", std::future::pending::<()>())));
        children.push(Box::pin(task("other child", async {
            std::future::pending::<()>().await;
        })));
        std::future::pending::<()>().await;
    }));
    assert!(poll(parent.as_mut()).is_pending());
    let report = current();
    let at = |name: &str| report.tasks.iter().position(|row| row.name == name).unwrap();
    let parent_id = row(&report, "parent").id;
    for name in ["child", "other child"] {
        assert_eq!((row(&report, name).parent, row(&report, name).depth), (Some(parent_id), 1));
        assert!(at(name) > at("parent"));
    }
    assert!(report.unavailable.get("alive").unwrap().contains("no runtime is watched"));
    // A child whose parent has ended is a root.
    drop(parent);
    let report = current();
    assert_eq!((row(&report, "child").parent, row(&report, "child").depth), (None, 0));
}

#[test]
fn m12_a_hundred_thousand_tasks_leave_nothing_behind() {
    let _turn = alone();
    let before = TABLE.size().0;
    let tasks: Vec<_> = (0..100_000).map(|_| task("one of many", std::future::ready(()))).collect();
    let report = current();
    assert_eq!(TABLE.size().0, table::MAX_TASKS);
    assert_eq!(report.known, table::MAX_TASKS as u64);
    assert_eq!(report.beyond_table, (100_000 + before - table::MAX_TASKS) as u64);
    assert_eq!(report.tasks.len(), forest::MAX_ROWS);
    assert_eq!(report.omitted, (table::MAX_TASKS - forest::MAX_ROWS) as u64);
    drop(tasks);
    assert_eq!(TABLE.size(), (before, 0));
    assert_eq!(current().beyond_table, 0);
}

#[test]
fn m12_a_chain_as_long_as_the_table_needs_no_stack() {
    let _turn = alone();
    let mut chain = Vec::new();
    for depth in 0..5_000_u64 {
        let parent = chain.last().map_or(0, |known: &Known| known.record.id);
        CURRENT.set(parent);
        chain.push(Known::new("link".into(), Location::caller()));
        assert_eq!(chain.len() as u64, depth + 1);
    }
    CURRENT.set(0);
    let records: Vec<_> = chain.iter().map(|known| Arc::clone(&known.record)).collect();
    let (rows, omitted) = forest::rows(&records, slot::now());
    assert_eq!((rows.len(), omitted), (forest::MAX_ROWS, 5_000 - forest::MAX_ROWS as u64));
    assert!(rows.iter().enumerate().all(|(depth, row)| row.depth == depth as u64));
}

#[test]
fn the_busiest_stands_first_among_siblings() {
    let _turn = alone();
    let known = ["slow", "quick", "medium"].map(|name| Known::new(name.into(), Location::caller()));
    for (known, busy) in known.iter().zip([9_000_000, 1_000, 5_000_000]) {
        known.record.busy_ns.store(busy, Ordering::Relaxed);
    }
    let records: Vec<_> = known.iter().map(|known| Arc::clone(&known.record)).collect();
    let (rows, _) = forest::rows(&records, slot::now());
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["slow", "medium", "quick"]);
}

#[test]
fn a_poll_that_panics_is_counted_and_leaves_no_parent_behind() {
    let _turn = alone();
    let known = Known::new("panics".into(), Location::caller());
    let result =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| known.poll(|| panic!("of a task"))));
    assert!(result.is_err());
    assert_eq!(known.record.polls.load(Ordering::Relaxed), 1);
    assert_eq!(CURRENT.get(), 0);
    assert_eq!(name(known.record.id).unwrap().split(' ').next(), Some("panics"));
}

/// Spawned tasks that spawn tasks themselves, on several threads.
#[cfg(feature = "tokio")]
#[test]
fn m12_spawned_tasks_know_their_parents_on_a_runtime() {
    let _turn = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let release = Arc::new(tokio::sync::Semaphore::new(0));
        for parent in 0..10 {
            let (tell, release) = (tell.clone(), Arc::clone(&release));
            spawn(format!("parent {parent}"), async move {
                for child in 0..3 {
                    let (tell, release) = (tell.clone(), Arc::clone(&release));
                    spawn(format!("child {parent}.{child}"), async move {
                        tell.send(()).unwrap();
                        let _ = release.acquire().await;
                    });
                }
                let _ = release.acquire().await;
            });
        }
        for _ in 0..30 {
            told.recv().await.unwrap();
        }
        let report = current();
        for child in report.tasks.iter().filter(|row| row.name.starts_with("child")) {
            let parent = report.tasks.iter().find(|row| Some(row.id) == child.parent).unwrap();
            let number = child.name.strip_prefix("child ").unwrap().split('.').next().unwrap();
            assert_eq!(parent.name, format!("parent {number}"));
        }
        assert_eq!(report.tasks.iter().filter(|row| row.depth == 1).count(), 30);
        release.add_permits(1_000);
    });
    drop(runtime);
    assert!(current().tasks.iter().all(|row| !row.name.starts_with("child")));
}
