use super::*;
use crate::doctor::healthy;
use crate::doctor::rule::MIB;
use crate::report::MachineMemory;

/// A container of 250 MiB whose process has a heap of 52 MiB, after `change`.
fn report(change: impl FnOnce(&mut MemoryReport)) -> MemoryReport {
    let mut report = healthy::report();
    let process = report.process.as_mut().unwrap();
    (process.anonymous_bytes, process.shared_bytes) = (Some(52 * MIB), Some(0));
    report.allocator.as_mut().unwrap().resident_bytes = Some(60 * MIB);
    let cgroup = report.cgroup.as_mut().unwrap();
    cgroup.path = "/p/a".into();
    (cgroup.limit_bytes, cgroup.current_bytes) = (Some(250 * MIB), Some(240 * MIB));
    cgroup.inactive_file_bytes = Some(5 * MIB);
    cgroup.parts = CgroupParts {
        anonymous_bytes: Some(55 * MIB),
        file_bytes: Some(10 * MIB),
        mapped_file_bytes: Some(MIB),
        shared_bytes: Some(0),
        kernel_bytes: Some(4 * MIB),
        socket_bytes: Some(MIB),
    };
    change(&mut report);
    report
}

fn largest_of(report: &MemoryReport) -> Holder {
    largest(report, &report.ceiling().unwrap()).unwrap()
}

fn parts(report: &mut MemoryReport) -> &mut CgroupParts {
    &mut report.cgroup.as_mut().unwrap().parts
}

#[test]
fn advice_for_tmpfs_says_where_to_look_and_omits_the_table() {
    let tmpfs = report(|report| {
        parts(report).shared_bytes = Some(125 * MIB);
        parts(report).file_bytes = Some(135 * MIB);
    });
    let holder = largest_of(&tmpfs);
    assert_eq!(holder.sentence(), "the largest part is shared memory and tmpfs, 125.0 MiB");
    for place in ["/dev/shm", "/tmp", "`medium: Memory`"] {
        assert!(holder.advice.contains(place), "{}", holder.advice);
    }
    assert!(
        !holder.advice.contains("largest rows") && !holder.advice.contains("mapped 0"),
        "{}",
        holder.advice
    );
    let mut mapped = tmpfs;
    mapped.process.as_mut().unwrap().shared_bytes = Some(100 * MIB);
    assert!(largest_of(&mapped).advice.ends_with("; this process has mapped 100.0 MiB of it"));
}

#[test]
fn names_the_part_that_is_the_largest() {
    let large = Some(125 * MIB);
    for (change, name, advice) in [
        ((|_| {}) as fn(&mut MemoryReport), "the heap of this process", "table's largest rows"),
        (|report| parts(report).kernel_bytes = Some(125 << 20), "kernel memory", "`slab`"),
        (|report| parts(report).socket_bytes = Some(125 << 20), "network socket buffers", "`ss -tm`"),
        (|report| parts(report).file_bytes = Some(130 << 20), "page cache that is in use", "mapped"),
        (
            |report| parts(report).anonymous_bytes = Some(177 << 20),
            "the memory of other processes in this container",
            "`ps ",
        ),
        (
            |report| report.process.as_mut().unwrap().anonymous_bytes = Some(185 << 20),
            "memory of this process outside jemalloc",
            "smaps",
        ),
    ] {
        let report = report(change);
        let holder = largest_of(&report);
        assert_eq!(holder.name, name);
        assert!(holder.advice.contains(advice), "{}", holder.advice);
        if name != "the heap of this process" {
            assert_eq!(Some(holder.bytes), large, "{name}");
            assert!(!holder.advice.contains("largest rows"), "{}", holder.advice);
        }
    }
}

#[test]
fn inactive_page_cache_and_version_1_sockets_do_not_count_as_in_use() {
    let cache = report(|report| {
        parts(report).file_bytes = Some(130 * MIB);
        report.cgroup.as_mut().unwrap().inactive_file_bytes = Some(125 * MIB);
    });
    assert_eq!(largest_of(&cache).name, "the heap of this process");
    let sockets = report(|report| {
        parts(report).socket_bytes = Some(125 * MIB);
        report.cgroup.as_mut().unwrap().version = 1;
    });
    assert_eq!(largest_of(&sockets).name, "the heap of this process");
}

/// A group above with a limit of 300 MiB, where others hold 225 MiB.
fn pod(parts: CgroupParts) -> MemoryReport {
    report(|report| {
        let cgroup = report.cgroup.as_mut().unwrap();
        cgroup.current_bytes = Some(70 * MIB);
        let above = CgroupLevel {
            path: "/p".into(),
            limit_bytes: Some(300 * MIB),
            current_bytes: Some(290 * MIB),
            inactive_file_bytes: Some(0),
            parts,
            ..CgroupLevel::default()
        };
        (cgroup.levels, cgroup.binding) = (vec![above.clone()], Some(above));
    })
}

#[test]
fn names_a_neighbour_and_what_it_holds() {
    for (parts, mostly) in [
        (
            CgroupParts { anonymous_bytes: Some(270 * MIB), ..CgroupParts::default() },
            ", mostly heap and stacks",
        ),
        (
            CgroupParts { shared_bytes: Some(200 * MIB), ..CgroupParts::default() },
            ", mostly shared memory and tmpfs",
        ),
        (CgroupParts::default(), ""),
    ] {
        let holder = largest_of(&pod(parts));
        assert_eq!(holder.name, format!("the memory of other groups below /p{mostly}"));
        assert_eq!(holder.bytes, 225 * MIB);
        assert!(
            holder.advice.contains("neighbours") && !holder.advice.contains("largest rows"),
            "{}",
            holder.advice
        );
    }
}

#[test]
fn on_a_full_machine_names_other_processes_unless_this_one_is_larger() {
    let full = |heap: u64| {
        report(|report| {
            let cgroup = report.cgroup.as_mut().unwrap();
            (cgroup.limit_bytes, cgroup.current_bytes) = (None, Some((heap + 10) * MIB));
            let machine = MachineMemory { total_bytes: Some(4096 * MIB), available_bytes: Some(96 * MIB) };
            report.machine = Some(machine);
            report.process.as_mut().unwrap().anonymous_bytes = Some(heap * MIB);
            report.process.as_mut().unwrap().resident_bytes = Some((heap + 5) * MIB);
            report.allocator.as_mut().unwrap().resident_bytes = Some(heap * MIB);
        })
    };
    assert_eq!(largest_of(&full(3400)).name, "the heap of this process");
    let others = largest_of(&full(400));
    assert_eq!(
        (others.name.as_str(), others.bytes),
        ("the memory of other processes on the machine", 3595 * MIB)
    );
    let mut without_groups = full(400);
    without_groups.cgroup = None;
    assert_eq!(largest_of(&without_groups).bytes, 3595 * MIB);
}

#[test]
fn names_nothing_if_no_part_is_known() {
    let mut unknown = report(|report| *parts(report) = CgroupParts::default());
    unknown.process = None;
    assert_eq!(largest(&unknown, &unknown.ceiling().unwrap()), None);
}
