//! Long runs for `scripts/monitor-blocks`.

use super::*;

/// Runs tasks of 1 ms at 100 % of all processors, with IO and timers between them, on a runtime that is watched. Prints
/// the events, and returns the number of blocks.
fn blocks(name: &str, seconds: u64) -> usize {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let watch = Watch::start(name, runtime.handle());
    let end = Instant::now() + Duration::from_secs(seconds);
    let work = |number: u64| async move {
        while Instant::now() < end {
            compute(millis(1));
            if number.is_multiple_of(2) {
                yield_now().await;
            } else {
                tokio::time::sleep(millis(1)).await;
            }
        }
    };
    runtime.block_on(async {
        let tasks: Vec<_> = (0..16).map(|number| tokio::spawn(work(number))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let seen = watch.finish(name);
    for text in seen.texts() {
        println!("{name}: {text}");
    }
    seen.blocks().len()
}

/// A number that the script sets.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

#[test]
#[ignore = "takes long: scripts/monitor-blocks"]
fn m9_quiet_runs_under_load_have_no_false_alarm() {
    let runs = number("MEMORY_DEBUG_QUIET_RUNS", 100);
    let alarms = (1..=runs).filter(|run| blocks(&format!("run {run}"), 10) > 0).count();
    println!("{alarms} of {runs} runs with false alarms");
    assert_eq!(alarms, 0);
}

#[test]
#[ignore = "takes long: scripts/monitor-blocks"]
fn m9_a_long_run_at_full_load_has_no_false_alarm() {
    let seconds = number("MEMORY_DEBUG_LONG_RUN", 600);
    let blocks = blocks("long run", seconds);
    println!("{blocks} false alarms in {seconds} seconds");
    assert_eq!(blocks, 0);
}

/// Needs a machine that is not busy: the threshold is 250 ms.
#[test]
#[ignore = "needs a quiet machine: scripts/monitor-blocks"]
fn m9_twenty_blocks_of_300_ms_are_twenty_events() {
    let runtime = multi_thread();
    let watch = Watch::start("300 ms", runtime.handle());
    for _ in 0..20 {
        for block in [300, 50] {
            runtime.block_on(runtime.spawn(async move { thread::sleep(millis(block)) })).unwrap();
            runtime.block_on(async { tokio::time::sleep(millis(200)).await });
        }
    }
    let seen = watch.finish("300 ms");
    let durations: Vec<_> = seen.blocks().iter().map(|block| block.duration_ms).collect();
    println!("durations in ms: {durations:?}");
    assert_eq!(durations.len(), 20, "{:?}", seen.texts());
}

/// Polls of 50 ms of computing take a second each at 5 % of a processor.
#[test]
#[ignore = "needs a control group: scripts/monitor-blocks"]
fn m10_a_throttled_process_blames_no_worker() {
    let runtime = multi_thread();
    let watch = Watch::start("throttled", runtime.handle());
    let end = Instant::now() + Duration::from_secs(20);
    let work = runtime.spawn(async move {
        while Instant::now() < end {
            compute(millis(50));
            tokio::time::sleep(millis(1)).await;
        }
    });
    runtime.block_on(work).unwrap();
    let seen = watch.finish("throttled");
    for text in seen.texts() {
        println!("{text}");
    }
    assert!(seen.blocks().is_empty());
    assert!(seen.events.iter().any(|event| event.kind == EventKind::ProcessStarved));
}
