//! A line for the log, from time to time.

use memory_debug_core::units::{Bytes, count, percent, printable, short_name};

use memory_debug_core::{BlockedWorker, TaskReport};

use crate::reading::Reading;

/// The most types in the line.
const TYPES: usize = 3;

/// The most important numbers of a reading in one line. `types` are the largest types, if a snapshot was taken.
pub(crate) fn summary_line(reading: &Reading, types: &[(String, u64)]) -> String {
    let mut parts = Vec::new();
    if let Some(container) = reading.container {
        let share = percent(container.used as f64, container.limit as f64).unwrap_or(0.0);
        parts.push(format!(
            "container {} of {} ({share:.1} %)",
            Bytes(container.used),
            Bytes(container.limit)
        ));
    }
    let mut add = |name: &str, bytes: Option<u64>| {
        parts.extend(bytes.map(|bytes| format!("{name} {}", Bytes(bytes))));
    };
    add("resident", reading.resident);
    add("unique", reading.unique);
    add("allocated", reading.allocator.map(|allocator| allocator.allocated));
    parts.extend(reading.threads.map(|threads| format!("{} threads", count(threads))));
    parts.extend(reading.open_files.map(|files| format!("{} open files", count(files))));
    if parts.is_empty() {
        parts.push("no number can be read".into());
    }
    let mut line = format!("memory: {}", parts.join(", "));
    if !types.is_empty() {
        let largest: Vec<_> = types.iter().take(TYPES).collect();
        let largest = largest.iter().map(|(name, bytes)| format!("{} {}", short_name(name), Bytes(*bytes)));
        line.push_str("; in the last snapshot: ");
        line.push_str(&largest.collect::<Vec<_>>().join(", "));
    }
    line
}

/// The most types, workers and tasks of a report, each.
const ROWS: usize = 10;

/// The report at a signal, line by line: numbers, the largest types, blocked workers and the busiest tasks.
pub(crate) fn signal_report(
    reading: &Reading,
    types: &[(String, u64)],
    blocked: &[BlockedWorker],
    tasks: &TaskReport,
) -> Vec<String> {
    let mut lines = vec![summary_line(reading, &[])];
    let of_types = types.iter().take(ROWS);
    lines.extend(of_types.map(|(name, bytes)| format!("memory: {} in {}", Bytes(*bytes), short_name(name))));
    lines.extend(blocked.iter().filter(|worker| !worker.ended).take(ROWS).map(|worker| {
        let number = worker.worker.map_or_else(String::new, |number| format!(" {number}"));
        let label =
            worker.label.as_deref().map_or_else(String::new, |label| format!(", in {}", printable(label)));
        format!(
            "memory: worker{number} of {} has been blocked for {} ms{label}",
            printable(&worker.runtime),
            worker.duration_ms
        )
    }));
    let mut busiest: Vec<_> = tasks.tasks.iter().collect();
    busiest.sort_by_key(|task| std::cmp::Reverse(task.busy_us));
    lines.extend(busiest.into_iter().take(ROWS).map(|task| {
        let (name, polls) = (printable(&task.name), count(task.polls));
        let (busy, longest) = (task.busy_us / 1000, task.longest_poll_us / 1000);
        format!("memory: task {name} was busy for {busy} ms in {polls} polls, the longest took {longest} ms")
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{AllocatorUse, ContainerUse};

    #[test]
    fn has_what_is_known() {
        let mut reading = Reading::default();
        assert_eq!(summary_line(&reading, &[]), "memory: no number can be read");
        reading.resident = Some(300 << 20);
        reading.container = Some(ContainerUse { used: 412 << 20, limit: 512 << 20, inactive_file: 0 });
        reading.allocator = Some(AllocatorUse { allocated: 250 << 20, ..AllocatorUse::default() });
        reading.threads = Some(23);
        let types = [("Vec<u8>".to_owned(), 100 << 20), ("String".to_owned(), 1 << 20)];
        assert_eq!(
            summary_line(&reading, &types),
            "memory: container 412.00 MiB of 512.00 MiB (80.5 %), resident 300.00 MiB, allocated 250.00 MiB, \
             23 threads; in the last snapshot: Vec<u8> 100.00 MiB, String 1.00 MiB"
        );
    }
}
