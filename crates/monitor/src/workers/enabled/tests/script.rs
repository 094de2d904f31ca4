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

#[test]
#[ignore = "a hundred runs of ten seconds: scripts/monitor-blocks"]
fn m9_a_hundred_quiet_runs_under_load_have_no_false_alarm() {
    let alarms = (1..=100).filter(|run| blocks(&format!("run {run}"), 10) > 0).count();
    println!("{alarms} of 100 runs with false alarms");
    assert_eq!(alarms, 0);
}

#[test]
#[ignore = "ten minutes: scripts/monitor-blocks"]
fn m9_ten_minutes_at_full_load_have_no_false_alarm() {
    assert_eq!(blocks("ten minutes", 600), 0);
}
