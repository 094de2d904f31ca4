//! Workers that did not return to their scheduler.

use std::fmt;

use super::super::layout::{Layout, table};
use crate::monitor::{BlockedThread, BlockedWorker};
use crate::units::{count, printable};

const HEADINGS: [&str; 7] = ["began", "runtime", "worker", "duration", "state", "route or task", "threads"];

/// Writes nothing if no runtime is watched.
pub(super) fn write(out: &mut dyn Layout, blocked: Option<&[BlockedWorker]>) -> fmt::Result {
    let Some(blocked) = blocked else { return Ok(()) };
    out.heading("blocked workers")?;
    if blocked.is_empty() {
        return out.remark("no worker was blocked");
    }
    table(out, HEADINGS, blocked.iter().map(cells))?;
    out.remark(
        "a blocked worker has not returned to its scheduler: its tasks, timers and connections stood still meanwhile",
    )
}

fn cells(blocked: &BlockedWorker) -> [String; 7] {
    [
        printable(&blocked.started_at),
        printable(&blocked.runtime),
        blocked.worker.map_or_else(|| "unknown".to_owned(), count),
        format!("{} ms ± {} ms", count(blocked.duration_ms), count(blocked.tick_ms)),
        if blocked.ended { "ended" } else { "blocked" }.to_owned(),
        blocked.label.as_deref().map_or_else(|| "unknown".to_owned(), printable),
        threads(blocked),
    ]
}

fn threads(blocked: &BlockedWorker) -> String {
    if blocked.threads.is_empty() {
        let reason = blocked.unknown_threads.as_deref().map(|reason| format!(": {}", printable(reason)));
        return format!("not available{}", reason.unwrap_or_default());
    }
    let threads: Vec<_> = blocked.threads.iter().map(thread).collect();
    threads.join(" or ")
}

fn thread(thread: &BlockedThread) -> String {
    let doing = thread.doing.as_deref().map(printable);
    let cpu = thread.cpu_ms.map(|cpu| format!("{} ms of processor time", count(cpu)));
    let name = format!("{} (tid {})", printable(&thread.name), thread.tid);
    [Some(name), doing, cpu].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
