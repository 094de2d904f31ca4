//! The tasks of asynchronous runtimes, as a tree.

use std::fmt::{self, Display, Formatter};

use super::header::identity_of;
use super::layout::{Layout, Terminal, table};
use super::monitor::milliseconds;
use super::reasons;
use super::table::more;
use crate::monitor::{TaskNode, TaskReport, TaskRow, TaskSourceReport, TaskState};
use crate::units::{count, printable, short_name, span};

const HEADINGS: [&str; 8] =
    ["task", "state", "age", "polls", "busy", "longest poll", "idle for", "spawned at"];

impl Display for TaskReport {
    /// The identity of the process, then the content of the page.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", identity_of(&self.instance).join(" · "))?;
        write(&mut Terminal(f), self)
    }
}

/// Writes how many tasks are known, and the known ones below the tasks that spawned them.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, report: &TaskReport) -> fmt::Result {
    out.remark(&summary(report))?;
    if report.beyond_table > 0 {
        out.remark(&format!(
            "the table was full for {} tasks, which are not known",
            count(report.beyond_table)
        ))?;
    }
    if !report.tasks.is_empty() {
        let names = aligned(report.tasks.iter().map(|task| indented(task.depth, &task.name)).collect());
        table(out, HEADINGS, report.tasks.iter().zip(names).map(|(task, name)| cells(task, name)))?;
    }
    more(report.omitted).map_or(Ok(()), |line| out.remark(&line))?;
    report.sources.iter().try_for_each(|source| write_source(out, source))?;
    reasons::write(out, report.unavailable.iter())
}

/// Writes what a source of the application knows.
fn write_source(out: &mut dyn Layout, source: &TaskSourceReport) -> fmt::Result {
    out.heading(&format!("tasks by {}:", printable(&source.name)))?;
    if let Some(reason) = &source.failed {
        return out.remark(&format!("not available: {}", printable(reason)));
    }
    let names = aligned(source.nodes.iter().map(|node| indented(node.depth, &node.name)).collect());
    let age = |node: &TaskNode| node.age_ms.map_or_else(|| "–".to_owned(), |age| span(age / 1000));
    table(out, ["task", "age"], source.nodes.iter().zip(names).map(|(node, name)| [name, age(node)]))?;
    more(source.omitted).map_or(Ok(()), |line| out.remark(&line))
}

/// How many of the tasks are known.
fn summary(report: &TaskReport) -> String {
    let known = match report.alive {
        Some(alive) => format!("{} of {} tasks known", count(report.known), count(alive)),
        None => format!("{} tasks known, of an unknown number", count(report.known)),
    };
    let queued =
        report.queued.map(|queued| format!(" · {} wait in the queues of the runtimes", count(queued)));
    format!("reported {} · {known}{}", printable(&report.reported_at), queued.unwrap_or_default())
}

/// A name in a tree, after a dot for each known ancestor.
pub(super) fn indented(depth: u64, name: &str) -> String {
    // The depth may come from a file, and a table is not wide.
    let depth = usize::try_from(depth.min(MAX_DEPTH)).unwrap_or_default();
    format!("{}{}", "· ".repeat(depth), short_name(name))
}

/// Deeper tasks are not indented further.
const MAX_DEPTH: u64 = 20;

/// Fills up short names, because columns are aligned to the right and a tree is aligned to the left.
pub(super) fn aligned(names: Vec<String>) -> impl Iterator<Item = String> {
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    names.into_iter().map(move |name| format!("{name:<width$}"))
}

fn cells(task: &TaskRow, name: String) -> [String; 8] {
    [
        name,
        state(task.state).to_owned(),
        span(task.age_ms / 1000),
        count(task.polls),
        milliseconds(task.busy_us),
        milliseconds(task.longest_poll_us),
        task.idle_ms.map_or_else(|| "–".to_owned(), |idle| span(idle / 1000)),
        printable(&task.location),
    ]
}

fn state(state: TaskState) -> &'static str {
    match state {
        TaskState::New => "new",
        TaskState::Running => "running",
        TaskState::Idle => "idle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn task(depth: u64, name: &str) -> TaskRow {
        TaskRow { depth, name: name.into(), location: "src/feed.rs:41".into(), ..TaskRow::default() }
    }

    fn report() -> TaskReport {
        let mut report = TaskReport::new(sample::report().instance, "2026-11-20T12:12:00Z");
        (report.known, report.alive, report.queued) = (412, Some(1930), Some(3));
        let feed = TaskRow {
            state: TaskState::Idle,
            age_ms: 61_000,
            polls: 12_345,
            busy_us: 3_210_000,
            longest_poll_us: 4_100,
            idle_ms: Some(2_500),
            ..task(0, "feed")
        };
        report.tasks = vec![feed, task(1, "connection"), task(0, "sweeper")];
        report.omitted = 409;
        report
    }

    #[test]
    fn tasks_stand_below_the_task_that_spawned_them() {
        let expected = "\
axum-service 0.1.0 · pid 4242 · host a1 · instance 6f1c9a2e · up 3h 12m
reported 2026-11-20T12:12:00Z · 412 of 1,930 tasks known · 3 wait in the queues of the runtimes
        task | state |   age |  polls |      busy | longest poll | idle for |     spawned at
============ | ===== | ===== | ====== | ========= | ============ | ======== | ==============
feed         |  idle | 1m 1s | 12,345 | 3210.0 ms |       4.1 ms |       2s | src/feed.rs:41
· connection |   new |    0s |      0 |    0.0 ms |       0.0 ms |        – | src/feed.rs:41
sweeper      |   new |    0s |      0 |    0.0 ms |       0.0 ms |        – | src/feed.rs:41
… and 409 more
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn what_a_source_of_the_application_knows_stands_below() {
        let mut report = report();
        let nodes = vec![TaskNode::new(0, "actor 7"), TaskNode::new(1, "fetch\nforged")];
        report.sources = vec![
            TaskSourceReport { name: "await-tree".into(), nodes, omitted: 3, failed: None },
            TaskSourceReport {
                name: "other".into(),
                failed: Some("it panicked".into()),
                ..Default::default()
            },
        ];
        report.sources[0].nodes[0].age_ms = Some(61_000);
        let text = report.to_string();
        let (_, below) = text.split_once("… and 409 more\n").unwrap();
        let expected = "
tasks by await-tree:
              task |   age
================== | =====
actor 7            | 1m 1s
· fetch\\u{a}forged |     –
… and 3 more

tasks by other:
not available: it panicked
";
        assert_eq!(below, expected);
    }

    #[test]
    fn an_unknown_number_of_tasks_is_not_zero() {
        let mut report = report();
        (report.alive, report.queued, report.tasks, report.omitted) = (None, None, Vec::new(), 0);
        report.beyond_table = 7;
        report.unavailable.note("alive", "no runtime is watched");
        let text = report.to_string();
        assert!(
            text.contains(" · 412 tasks known, of an unknown number\nthe table was full for 7 tasks"),
            "{text}"
        );
        assert!(text.ends_with("\nnot available:\n  alive: no runtime is watched\n"), "{text}");
    }

    #[test]
    fn s64_a_task_cannot_forge_lines_or_widen_the_table() {
        let mut report = report();
        report.tasks = vec![task(u64::MAX, &format!("a\nforged | {}", "x".repeat(10_000)))];
        report.tasks[0].location = "b\nforged".into();
        let text = report.to_string();
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 500), "{text}");
    }
}
