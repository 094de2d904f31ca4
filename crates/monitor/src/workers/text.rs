//! Events of workers in words.

use std::time::Duration;

use memory_debug_core::{BlockedThread, BlockedWorker};

use crate::clock::millis;

/// A blocked worker in a sentence, as the log has it.
pub(super) fn blocked(block: &BlockedWorker) -> String {
    let worker = block.worker.map_or_else(|| "a worker".into(), |worker| format!("worker {worker}"));
    let lasts = if block.ended { "did not come back" } else { "has not come back" };
    let threads = match block.threads.as_slice() {
        [] => block.unknown_threads.clone().unwrap_or_default(),
        [one] => format!("it was {}", thread(one)),
        several => {
            let threads: Vec<_> = several.iter().map(thread).collect();
            format!("it was one of these: {}", threads.join(", "))
        }
    };
    let label = block.label.as_ref().map(|label| format!(", in {label}")).unwrap_or_default();
    format!(
        "{worker} of runtime {} {lasts} to its scheduler for {} ms{label}; {threads}",
        block.runtime, block.duration_ms
    )
}

fn thread(thread: &BlockedThread) -> String {
    let doing = thread.doing.as_deref().unwrap_or("doing something that the kernel does not tell");
    let channel = thread.wait_channel.as_ref().map(|channel| format!(" ({channel})")).unwrap_or_default();
    format!("thread {} ({}), {doing}{channel}", thread.tid, thread.name)
}

/// A process that did not run, in a sentence.
pub(super) fn stopped(time: Duration) -> String {
    format!(
        "the process did not run for {} ms: it was stopped or throttled, or the machine was suspended; no worker is \
         blamed",
        millis(time)
    )
}

/// A worker that had no processor, in a sentence.
pub(super) fn without_processor(share: f64, time: Duration) -> String {
    format!(
        "a worker had no processor for {:.0} % of {} ms: the process is throttled, or the machine is overloaded; no \
         worker is blamed",
        share * 100.0,
        millis(time)
    )
}
