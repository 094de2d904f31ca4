//! Renders the control group, the groups above it and the machine on the stats page.

use std::fmt;

use super::layout::{Layout, fact, table};
use crate::report::{CgroupLevel, CgroupMemory, MachineMemory, MemoryReport, NO_LIMIT};
use crate::units::{Bytes, count, printable};

/// The header's line about the container's memory, without inactive page cache. Empty parts are omitted.
pub(super) fn header(report: &MemoryReport) -> Option<String> {
    let cgroup = report.cgroup.as_ref()?;
    let own = cgroup.own_level();
    // In version 1 the usage does not include socket buffers.
    let sockets = own.parts.socket_bytes.filter(|_| cgroup.version != 1);
    let parts = [
        (own.parts.anonymous_bytes, "anonymous"),
        (own.parts.shared_bytes, "tmpfs"),
        (own.cache_in_use_bytes(), "page cache"),
        (own.parts.kernel_bytes, "kernel"),
        (sockets, "sockets"),
    ];
    let parts = parts.into_iter().filter_map(|(bytes, name)| {
        bytes.filter(|bytes| *bytes > 0).map(|bytes| format!("{:.0} {name}", Bytes(bytes)))
    });
    let whole = format!("container {:.1}", Bytes(own.working_set_bytes()?));
    Some(std::iter::once(whole).chain(parts).collect::<Vec<_>>().join(" · "))
}

pub(super) fn write(out: &mut dyn Layout, report: &MemoryReport) -> fmt::Result {
    if let Some(cgroup) = &report.cgroup {
        write_group(out, cgroup)?;
        write_levels(out, cgroup)?;
    }
    if let Some(machine) = &report.machine {
        write_machine(out, machine)?;
    }
    if let Ok(ceiling) = report.ceiling() {
        out.paragraph(&format!("limit with the least room: {ceiling}"))?;
    }
    Ok(())
}

/// Whether the page already says elsewhere why a number of a level above is missing: the own group lacks it for the
/// same reason, or the table of levels shows that there is no limit.
pub(super) fn is_shown_elsewhere(report: &MemoryReport, path: &str, reason: &str) -> bool {
    let Some((_, name)) = path.strip_prefix("cgroup.levels.").and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let of_own_group = report.unavailable.get(&format!("cgroup.{name}"));
    of_own_group == Some(reason) || (name == "limit_bytes" && reason == NO_LIMIT)
}

fn write_group(out: &mut dyn Layout, cgroup: &CgroupMemory) -> fmt::Result {
    out.heading(&format!("control group (version {})", cgroup.version))?;
    fact(out, "limit", cgroup.limit_bytes.map(Bytes))?;
    fact(out, "current", cgroup.current_bytes.map(Bytes))?;
    fact(out, "inactive page cache", cgroup.inactive_file_bytes.map(Bytes))?;
    fact(out, "peak", cgroup.peak_bytes.map(Bytes))?;
    let parts = &cgroup.parts;
    fact(out, "anonymous", parts.anonymous_bytes.map(Bytes))?;
    fact(out, "page cache and tmpfs", parts.file_bytes.map(Bytes))?;
    fact(out, "… of it mapped", parts.mapped_file_bytes.map(Bytes))?;
    fact(out, "… of it tmpfs, shared", parts.shared_bytes.map(Bytes))?;
    fact(out, "kernel", parts.kernel_bytes.map(Bytes))?;
    fact(out, "socket buffers", parts.socket_bytes.map(Bytes))?;
    fact(out, "out-of-memory kills", cgroup.oom_kills.map(count))?;
    fact(out, "times at high", cgroup.high_events.map(count))?;
    fact(out, "times at limit", cgroup.max_events.map(count))?;
    let share = |share: Option<f64>| share.map(|share| format!("{share} % of 10 s"));
    fact(out, "some tasks stalled", share(cgroup.pressure_some_avg10_percent))?;
    fact(out, "all tasks stalled", share(cgroup.pressure_full_avg10_percent))
}

/// Writes the own group and the groups above it, one line each. The group with the least room is marked.
fn write_levels(out: &mut dyn Layout, cgroup: &CgroupMemory) -> fmt::Result {
    if cgroup.levels.is_empty() {
        return Ok(());
    }
    let binding = cgroup.binding.as_ref().map(|level| level.path.as_str());
    let own = cgroup.own_level();
    let rows = std::iter::once(&own).chain(&cgroup.levels).map(|level| {
        let CgroupLevel {
            path, limit_bytes, current_bytes, inactive_file_bytes, max_events, oom_kills, ..
        } = level;
        let bytes =
            |bytes: Option<u64>| bytes.map_or_else(|| "–".to_owned(), |bytes| Bytes(bytes).to_string());
        let number = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), count);
        let mark = if binding == Some(path) { " !" } else { "" };
        [
            printable(path) + mark,
            bytes(*limit_bytes),
            bytes(*current_bytes),
            bytes(*inactive_file_bytes),
            bytes(level.room_bytes()),
            number(*max_events),
            number(*oom_kills),
        ]
    });
    out.heading("levels of the control group; ! marks the least room")?;
    let headings = ["level", "limit", "current", "inactive cache", "room", "times at limit", "kills"];
    table(out, headings, rows)
}

fn write_machine(out: &mut dyn Layout, machine: &MachineMemory) -> fmt::Result {
    out.heading("machine")?;
    fact(out, "total", machine.total_bytes.map(Bytes))?;
    fact(out, "available", machine.available_bytes.map(Bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text;
    use crate::sample;
    use crate::view::{Page, TypesView};

    fn stats(report: &MemoryReport) -> String {
        text(report, Page::Stats, &TypesView::default())
    }

    #[test]
    fn the_stats_page_shows_the_parts_the_levels_and_the_machine() {
        let text = stats(&sample::report());
        for line in [
            "  … of it tmpfs, shared            125.00 MiB",
            "  kernel                            20.00 MiB",
            "  socket buffers                     5.00 MiB",
            "    level |    limit |    current | inactive cache |       room | times at limit | kills",
            "/pod/shop | 1.00 GiB | 750.00 MiB |      50.00 MiB | 324.00 MiB |              – |     –",
            "   /pod ! | 1.25 GiB |   1.03 GiB |      50.00 MiB | 280.00 MiB |              0 |     0",
            "  available                         16.00 GiB",
        ] {
            assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
        }
        assert!(
            text.contains("\nlimit with the least room: 1.25 GiB of the control group /pod above · "),
            "{text}"
        );
    }

    #[test]
    fn the_header_has_known_and_nonempty_parts_only() {
        let mut report = sample::report();
        let cgroup = report.cgroup.as_mut().unwrap();
        cgroup.version = 1;
        (cgroup.parts.kernel_bytes, cgroup.parts.file_bytes) = (None, Some(0));
        let expected = "container 700.0 MiB · 500 MiB anonymous · 125 MiB tmpfs";
        assert_eq!(header(&report).unwrap(), expected);
        report.cgroup.as_mut().unwrap().current_bytes = None;
        assert_eq!(header(&report), None);
    }

    #[test]
    fn reasons_of_levels_appear_unless_the_own_group_has_the_same_reason() {
        let mut report = sample::report();
        for path in ["cgroup.high_events", "cgroup.levels.0.high_events"] {
            report.unavailable.note(path, "not in version 1");
        }
        report.unavailable.note("cgroup.levels.0.limit_bytes", "no limit is set");
        report.unavailable.note("cgroup.levels.0.current_bytes", "memory.current: permission denied");
        let text = stats(&report);
        assert!(text.contains("\n  cgroup.high_events: not in version 1\n"), "{text}");
        assert!(
            text.contains("\n  cgroup.levels.0.current_bytes: memory.current: permission denied\n"),
            "{text}"
        );
        assert!(!text.contains("no limit is set"), "{text}");
    }

    #[test]
    fn s64_a_level_cannot_forge_lines() {
        let mut report = sample::report();
        report.cgroup.as_mut().unwrap().levels[0].path = "/p\nmachine".into();
        assert!(stats(&report).contains(r"/p\u{a}machine"));
    }
}
