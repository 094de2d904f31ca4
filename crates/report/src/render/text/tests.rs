use super::*;
use crate::sample;

fn page(report: &MemoryReport, page: Page) -> String {
    text(report, page, &TypesView::default())
}

#[test]
fn the_overview_begins_with_the_instance_and_its_memory() {
    let text = page(&sample::report(), Page::Overview);
    let expected = "axum-service 0.1.0 · pid 4242 · host a1 · instance 6f1c9a2e · up 3h 12m\n\
        resident 512.3 MiB · allocated 431.0 MiB · 4 MiB fragmentation · 53 MiB dirty · 16 MiB outside jemalloc\n\
        limit: 1.25 GiB of the control group /pod above · 1000.0 MiB used (78 %), 300.0 MiB of it by others · \
        280.0 MiB left\n\
        container 700.0 MiB · 500 MiB anonymous · 125 MiB tmpfs · 50 MiB page cache · 20 MiB kernel · 5 MiB sockets\n\
        Held by your program: live objects take 429.5 MiB of 512.3 MiB resident (84 %). Whether it grows is not known \
        yet: take three snapshots, some minutes apart, then read `/leaks`.\n\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("HashMap<String, Session> |           1 |    12.00 MiB |   20 %\n"), "{text}");
    assert!(text.contains("· sampled 1 per 512 KiB since process start ·"), "{text}");
    assert!(
        text.ends_with("\nnot available:\n  process.uss_bytes: smaps_rollup: permission denied\n"),
        "{text}"
    );
}

#[test]
fn the_types_page_has_only_the_table() {
    let types = page(&sample::report(), Page::Types);
    assert!(types.trim_start().starts_with("types |"), "{types}");
    let footer: Vec<_> = types.lines().skip_while(|line| !line.starts_with("total ")).collect();
    assert!(footer[0].ends_with("symbols: inlined (line tables)"), "{types}");
    assert!(footer[1].starts_with("sampled ") && footer[2].starts_with("resident 512.3 MiB = "), "{types}");
    assert!(footer[3].starts_with("  outside jemalloc: 4.0 MiB anonymous"), "{types}");
    assert_eq!(footer.len(), 4, "{types}");
}

#[test]
fn roots_follow_the_table_with_fewer_parts_on_the_overview() {
    let mut report = sample::report();
    let mut roots = sample::roots();
    let field = roots.rows[0].fields[1].clone();
    roots.rows[0].fields.extend(std::iter::repeat_n(field, 18));
    report.roots = Some(roots);
    let fields = |wanted| page(&report, wanted).lines().filter(|line| line.contains("config: Arc")).count();
    assert_eq!((fields(Page::Types), fields(Page::Overview), fields(Page::Stats)), (19, 7, 0));
    assert!(page(&report, Page::Overview).contains("… and 15 more\n"));
}

#[test]
fn the_stats_page_has_one_number_per_line() {
    let text = page(&sample::report(), Page::Stats);
    for line in [
        "collected 2026-11-20T12:12:00Z in 8.1 ms",
        "  resident                         512.30 MiB",
        "  unique (uss)                  not available",
        "  threads                                   9",
        "control group (version 2)",
        "  limit                              1.00 GiB",
        "  some tasks stalled           0.25 % of 10 s",
        "allocator jemalloc 5.3.1",
        "  opt.narenas                               8",
        "  active                                  yes",
        "  one sample per                   512.00 KiB",
        "  active since           2026-11-20T09:00:00Z",
        "  process.uss_bytes: smaps_rollup: permission denied",
    ] {
        assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
    }
    assert!(!text.contains("types"), "{text}");
}

#[test]
fn missing_values_are_described_in_words_and_never_zero() {
    let mut report = sample::report();
    (report.process, report.cgroup, report.allocator, report.types) = (None, None, None, None);
    report.unavailable.note("allocator", "the global allocator is not jemalloc; add `install!();`");
    report.unavailable.note("reconciliation", "the global allocator is not jemalloc; add `install!();`");
    report.unavailable.note("types", "the global allocator is not jemalloc; add `install!();`");
    let text = page(&report, Page::Overview);
    assert!(
        text.contains("\ntypes by heap profile: not available: the global allocator is not jemalloc; add"),
        "{text}"
    );
    assert!(
        text.contains("\n  allocator: the global allocator is not jemalloc; add `install!();`\n"),
        "{text}"
    );
    assert!(!text.contains(" 0 ") && !text.contains("reconciliation"), "{text}");
    assert_eq!(page(&report, Page::Stats).lines().filter(|line| line.starts_with("allocator")).count(), 0);
}

#[test]
fn a_reason_appears_once() {
    let mut report = sample::report();
    for path in ["cgroup.high_events", "cgroup.peak_bytes"] {
        report.unavailable.note(path, "not in version 1");
    }
    let text = page(&report, Page::Stats);
    assert!(text.contains("\n  cgroup.high_events, cgroup.peak_bytes: not in version 1\n"), "{text}");
}

#[test]
fn without_a_limit_the_machine_is_the_limit_if_it_is_known() {
    let mut report = sample::report();
    report.cgroup = None;
    let text = page(&report, Page::Overview);
    let line = "\nno memory limit is known, so the machine is the limit: 24.00 GiB of the machine · 8.0 GiB used \
                (33 %), ";
    assert!(text.contains(line), "{text}");
    report.machine = None;
    let text = page(&report, Page::Overview);
    assert!(text.contains("16 MiB outside jemalloc\nHeld by ") && !text.contains("limit"), "{text}");
}

#[test]
fn parts_that_do_not_add_up_are_omitted() {
    let mut report = sample::report();
    report.allocator.as_mut().unwrap().resident_bytes = Some(1 << 40);
    report.process.as_mut().unwrap().anonymous_bytes = None;
    let text = page(&report, Page::Overview);
    let header = text.lines().nth(1).unwrap();
    assert!(header.starts_with("resident ") && !header.contains("outside jemalloc"), "{text}");
}

#[test]
fn free_and_reserved_memory_do_not_count_as_outside_jemalloc() {
    let header = |resident: u64, anonymous: u64, jemalloc: u64, muzzy: u64| {
        let mut report = sample::report();
        let process = report.process.as_mut().unwrap();
        (process.resident_bytes, process.anonymous_bytes) = (Some(resident << 20), Some(anonymous << 20));
        process.lazy_free_bytes = Some(muzzy << 20);
        let allocator = report.allocator.as_mut().unwrap();
        (allocator.resident_bytes, allocator.muzzy_bytes) = (Some(jemalloc << 20), Some(muzzy << 20));
        page(&report, Page::Overview).lines().nth(1).unwrap().to_owned()
    };
    let muzzy = header(920, 910, 500, 406);
    assert!(muzzy.ends_with(" · 53 MiB dirty · 406 MiB muzzy · 14 MiB outside jemalloc"), "{muzzy}");
    let reserved = header(9, 5, 2048, 0);
    assert!(reserved.ends_with(" · 4 MiB outside jemalloc · 2.00 GiB never touched"), "{reserved}");
    let little = header(512, 490, 500, 9);
    assert!(little.ends_with(" dirty · 22 MiB outside jemalloc"), "{little}");
}

#[test]
fn s64_names_given_from_outside_cannot_forge_lines() {
    let mut report = sample::report();
    report.instance.service = Some("a\nallocated 0".into());
    report.instance.host = Some("\u{1b}[2J".into());
    let first = page(&report, Page::Overview).lines().next().unwrap().to_owned();
    assert!(first.starts_with(r"a\u{a}allocated 0 0.1.0 · pid 4242 · host \u{1b}[2J ·"), "{first}");
}

#[test]
fn the_overview_warns_below_the_header_and_omits_notices() {
    let mut report = sample::report();
    let cgroup = report.cgroup.as_mut().unwrap();
    (cgroup.oom_kills, cgroup.high_events, cgroup.max_events) = (Some(2), Some(3), Some(4));
    let text = page(&report, Page::Overview);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[4].starts_with("Held by your program: "), "{text}");
    assert_eq!(
        lines[5..8],
        [
            "critical oom-kills: processes in the container killed because memory ran out: 2",
            "warning memory-high-events: number of times the container was throttled at memory.high: 3",
            "",
        ]
    );
    assert!(!text.contains("memory-limit-events"), "{text}");
}

#[test]
fn the_doctor_page_has_the_header_and_all_verdicts() {
    let mut report = sample::report();
    report.cgroup.as_mut().unwrap().max_events = Some(4);
    let text = page(&report, Page::Doctor);
    assert!(text.starts_with("axum-service 0.1.0 · pid 4242 ·"), "{text}");
    assert!(
        text.contains(
            "\n\nnotice memory-limit-events\n  number of times the container hit its memory limit: 4\n"
        ),
        "{text}"
    );
    assert!(!text.contains(" | "), "{text}");
}
