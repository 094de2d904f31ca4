use memory_debug_core::CgroupLevel;

use super::*;
use crate::fixture::Tree;
use crate::reading::{ContainerUse, GroupPeak};

const NONE: Needs = Needs {
    unique: false,
    allocator: false,
    threads: false,
    open_files: false,
    group_peak: false,
    machine: false,
};

const ALL: Needs = Needs { unique: true, allocator: true, threads: true, open_files: true, ..NONE };

const OR_MACHINE: Needs = Needs { machine: true, ..NONE };

const MEMINFO: &str = "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable: 300 kB\n";

fn moment(seconds: u64) -> Moment {
    Moment { at: Duration::from_secs(seconds), unix_ms: 1000 * seconds }
}

fn container(reader: &mut Reader, seconds: u64) -> Option<ContainerUse> {
    reader.read(moment(seconds), false).container
}

fn source(reader: &Reader) -> String {
    reader.source(&MonitorMetric::Container).unwrap_or_default()
}

#[test]
fn m2_both_versions_are_read_and_named() {
    for (tree, version, kills) in [(Tree::version_2(), 2, 0), (Tree::version_1(), 1, 2)] {
        let mut reader = Reader::new(tree.path(), ALL);
        let reading = reader.read(moment(0), false);
        let expected = ContainerUse { used: 500_000, limit: 1_000_000, inactive_file: 100_000 };
        assert_eq!(reading.container, Some(expected), "v{version}");
        assert_eq!(reading.oom_kills, Some(kills));
        let limit = format!("container v{version}, working set, limit 976.56 KiB of /p/a");
        assert_eq!(source(&reader), limit);
        assert_eq!(reader.reason(&MonitorMetric::Container), None);
    }
}

#[test]
fn m2_the_limit_with_the_least_room_counts() {
    let tree = Tree::version_2();
    tree.add("cgroup/p/memory.max", "1200000");
    let mut reader = Reader::new(tree.path(), Needs::default());
    let expected = ContainerUse { used: 900_000, limit: 1_200_000, inactive_file: 0 };
    assert_eq!(container(&mut reader, 0), Some(expected));
    assert_eq!(source(&reader), "container v2, working set, limit 1.14 MiB of /p");
}

#[test]
fn m2_a_limit_above_the_mount_point_is_found_in_version_1() {
    let tree = Tree::version_1();
    let stat = "hierarchical_memory_limit 950000\ntotal_inactive_file 100000\n";
    tree.add("cgroup/p/a/memory.stat", stat);
    let mut reader = Reader::new(tree.path(), Needs::default());
    assert_eq!(container(&mut reader, 0).map(|usage| (usage.used, usage.limit)), Some((800_000, 950_000)));
    assert!(source(&reader).ends_with(CgroupLevel::ABOVE), "{}", source(&reader));
}

#[test]
fn m2_without_a_limit_the_reason_says_so_and_a_new_limit_counts_later() {
    let tree = Tree::version_2();
    tree.add("cgroup/p/a/memory.max", "max\n");
    let mut reader = Reader::new(tree.path(), Needs::default());
    assert_eq!(container(&mut reader, 0), None);
    assert_eq!(reader.reason(&MonitorMetric::Container).as_deref(), Some("no limit is set"));
    assert!(!reader.has_limit());
    tree.add("cgroup/p/a/memory.max", "700000\n");
    assert_eq!(container(&mut reader, 9), None);
    assert_eq!(container(&mut reader, 10).map(|usage| usage.limit), Some(700_000));
    assert!(reader.has_limit());
}

#[test]
fn m2_the_peak_is_of_the_group_with_the_least_room_or_missing() {
    for (tree, file) in [(Tree::version_2(), "memory.peak"), (Tree::version_1(), "memory.max_usage_in_bytes")]
    {
        let mut reader = Reader::new(tree.path(), Needs { group_peak: true, ..NONE });
        assert_eq!(reader.read(moment(0), false).group_peak, None);
        tree.add(&format!("cgroup/p/a/{file}"), "900000\n");
        let peak = Some(GroupPeak { group: 0, bytes: 900_000 });
        assert_eq!(reader.read(moment(1), false).group_peak, peak);
        assert_eq!(Reader::new(tree.path(), NONE).read(moment(0), false).group_peak, None);
    }
}

#[test]
fn m2_the_machine_is_read_only_on_request_and_only_without_a_limit() {
    for (tree, limit, none) in [
        (Tree::version_2(), "cgroup/p/a/memory.max", "max"),
        (Tree::version_1(), "cgroup/p/a/memory.limit_in_bytes", "9223372036854771712"),
    ] {
        tree.add("meminfo", MEMINFO);
        let machine = |reader: &mut Reader, seconds| reader.read(moment(seconds), false).machine;
        let mut reader = Reader::new(tree.path(), OR_MACHINE);
        assert_eq!(machine(&mut reader, 0), None, "there is a limit");
        tree.add(limit, none);
        tree.add("cgroup/p/a/memory.stat", "hierarchical_memory_limit 9223372036854771712\n");
        assert_eq!(machine(&mut reader, 10), Some(MachineUse { used: 700 << 10, total: 1000 << 10 }));
        assert_eq!(machine(&mut Reader::new(tree.path(), Needs::default()), 0), None);
        tree.add("meminfo", "MemTotal: 1000 kB\n");
        assert_eq!(machine(&mut reader, 11), None);
        assert_eq!(reader.machine_failure(), Some(Failed::odd("meminfo")));
    }
}

#[test]
fn m2_a_group_without_a_file_for_its_limit_has_none_and_a_file_that_cannot_be_read_may_have_one() {
    let tree = Tree::version_2();
    tree.add("meminfo", MEMINFO);
    let file = "cgroup/p/a/memory.max";
    tree.remove(file);
    let mut reader = Reader::new(tree.path(), OR_MACHINE);
    for seconds in [0, 1] {
        assert!(reader.read(moment(seconds), false).machine.is_some(), "like the root of version 2");
        assert_eq!(reader.reason(&MonitorMetric::Container).as_deref(), Some("no limit is set"));
    }
    std::fs::create_dir(tree.path().join(file)).unwrap();
    for seconds in [10, 11] {
        assert_eq!(reader.read(moment(seconds), false).machine, None, "it may have a limit");
        let reason = reader.reason(&MonitorMetric::Container);
        assert_eq!(reason.as_deref(), Some("memory.max: is a directory"));
    }
}

#[test]
fn m2_without_inactive_file_all_of_the_usage_counts() {
    let tree = Tree::version_2();
    tree.add("cgroup/p/a/memory.stat", "anon 5\n");
    let mut reader = Reader::new(tree.path(), Needs::default());
    assert_eq!(container(&mut reader, 0).map(|usage| usage.used), Some(600_000));
}

#[test]
fn m2_a_file_that_vanishes_is_a_reason_and_comes_back() {
    let tree = Tree::version_2();
    let mut reader = Reader::new(tree.path(), Needs::default());
    assert!(container(&mut reader, 0).is_some());
    tree.remove("cgroup/p/a/memory.current");
    assert_eq!(container(&mut reader, 1), None);
    let reason = reader.reason(&MonitorMetric::Container);
    assert_eq!(reason.as_deref(), Some("memory.current: entity not found"));
    tree.add("cgroup/p/a/memory.current", "600000");
    assert!(container(&mut reader, 2).is_some());
}

#[test]
fn the_page_cache_is_read_seldom_while_usage_is_low() {
    let tree = Tree::version_2();
    let mut reader = Reader::new(tree.path(), Needs::default());
    reader.read_stat_from(0.68);
    let mut used = |seconds| container(&mut reader, seconds).map(|usage| usage.used);
    assert_eq!(used(0), Some(500_000));
    tree.add("cgroup/p/a/memory.stat", "inactive_file 0\n");
    assert_eq!(used(9), Some(500_000));
    tree.add("cgroup/p/a/memory.current", "680000");
    assert_eq!(used(9), Some(680_000), "from 68 % on it is read at each look");
    tree.add("cgroup/p/a/memory.current", "600000");
    assert_eq!(used(18), Some(600_000));
    tree.add("cgroup/p/a/memory.stat", "inactive_file 50000\n");
    assert_eq!(used(20), Some(550_000));
}

#[test]
fn the_numbers_of_the_process_are_read() {
    let tree = Tree::version_2();
    let reading = Reader::new(tree.path(), ALL).read(moment(0), false);
    assert_eq!(reading.resident, Some(50 * rustix::param::page_size() as u64));
    assert_eq!((reading.unique, reading.threads), (Some(3000 << 10), Some(9)));
    assert_eq!(reading.open_files, Some(1));
    let cheap = Reader::new(tree.path(), Needs::default()).read(moment(0), false);
    assert_eq!((cheap.unique, cheap.threads, cheap.open_files), (None, None, None));
}

#[test]
fn every_missing_number_has_a_reason() {
    let tree = Tree::version_2();
    tree.remove("self");
    let mut reader = Reader::new(tree.path(), ALL);
    let reading = reader.read(moment(0), false);
    for metric in [
        MonitorMetric::Container,
        MonitorMetric::Resident,
        MonitorMetric::Unique,
        MonitorMetric::Allocated,
        MonitorMetric::Dirty,
        MonitorMetric::Fragmentation,
        MonitorMetric::Threads,
        MonitorMetric::OpenFiles,
        MonitorMetric::Type("Vec<u8>".into()),
    ] {
        assert_eq!(reading.value(&metric), None, "{metric}");
        let reason = reader.reason(&metric).unwrap();
        assert!(!reason.is_empty() && reason != Failed::NOT_READ.to_string(), "{metric}: {reason}");
    }
}

#[test]
fn after_the_main_thread_has_ended_the_monitors_own_thread_is_read() {
    let tree = Tree::version_2();
    tree.add("self/statm", "0 0 0 0 0 0 0\n");
    tree.add("thread-self/statm", "1000 60 20 5 0 40 0\n");
    let reading = Reader::new(tree.path(), Needs::default()).read(moment(0), false);
    assert_eq!(reading.resident, Some(60 * rustix::param::page_size() as u64));
}

#[test]
fn counters_of_the_kernel_are_read_at_a_wake() {
    let tree = Tree::version_2();
    tree.add(
        "cgroup/p/a/memory.pressure",
        "some avg10=0.25 avg60=0.10 avg300=0.00 total=681245\nfull total=1\n",
    );
    let mut reader = Reader::new(tree.path(), Needs::default());
    assert_eq!(reader.read(moment(0), false).pressure_total_us, Some(681_245));
    tree.add("cgroup/p/a/memory.events", "oom_kill 1\n");
    assert_eq!(reader.read(moment(1), false).oom_kills, Some(0));
    assert_eq!(reader.read(moment(1), true).oom_kills, Some(1));
}
