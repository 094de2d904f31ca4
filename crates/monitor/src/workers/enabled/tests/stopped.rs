//! A process that is stopped for a while blames no worker.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::*;

const CHILD: &str = "workers::enabled::tests::stopped::child";

/// Runs in a process of its own: a runtime that is always busy, until the parent has stopped and continued it.
#[test]
#[ignore = "runs as the child of the test below"]
fn child() {
    let runtime = multi_thread();
    let watch = Watch::start("child", runtime.handle());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let busy = runtime.spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            compute(millis(1));
            yield_now().await;
        }
    });
    println!("\nready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(busy).unwrap();
    for event in watch.finish("child").events {
        println!("\nevent {:?}: {}", event.kind, event.text);
    }
}

#[test]
fn m10_a_stopped_process_blames_no_worker() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([CHILD, "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "ready"));
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    // This is not waiting for something: the child stands still for this time.
    thread::sleep(Duration::from_secs(2));
    kill_process(pid, Signal::CONT).unwrap();
    // The child looks again, and then ends.
    thread::sleep(THRESHOLD);
    drop(child.stdin.take());
    let events: Vec<_> = lines.filter(|line| line.starts_with("event ")).collect();
    assert!(child.wait().unwrap().success());
    assert!(events.iter().any(|event| event.starts_with("event ProcessStarved")), "{events:?}");
    assert!(events.iter().all(|event| !event.starts_with("event Blocked")), "{events:?}");
}
