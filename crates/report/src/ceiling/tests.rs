use super::*;

const MIB: u64 = 1 << 20;

fn level(path: &str, limit: Option<u64>, current: u64, inactive_file: u64) -> CgroupLevel {
    CgroupLevel {
        path: path.into(),
        limit_bytes: limit.map(|limit| limit * MIB),
        current_bytes: Some(current * MIB),
        inactive_file_bytes: Some(inactive_file * MIB),
        ..CgroupLevel::default()
    }
}

/// The service's group `p/a`, and its parent `p` with a large neighbour.
fn pod(own_limit: Option<u64>, parent: CgroupLevel) -> CgroupMemory {
    let own = level("/p/a", own_limit, 58, 0);
    let mut cgroup = CgroupMemory {
        path: own.path,
        limit_bytes: own.limit_bytes,
        current_bytes: own.current_bytes,
        inactive_file_bytes: own.inactive_file_bytes,
        levels: vec![parent],
        ..CgroupMemory::default()
    };
    cgroup.binding = cgroup.least_room();
    cgroup
}

fn machine(total: u64, available: u64) -> MachineMemory {
    MachineMemory { total_bytes: Some(total * MIB), available_bytes: Some(available * MIB) }
}

#[test]
fn a_neighbour_in_the_parent_leaves_little_room() {
    let cgroup = pod(Some(256), level("/p", Some(300), 290, 5));
    let ceiling = Ceiling::lowest(Some(&cgroup), Some(&machine(24_000, 20_000)), Some(50 * MIB)).unwrap();
    let expected = Ceiling {
        limit_bytes: 300 * MIB,
        used_bytes: 285 * MIB,
        room_bytes: 15 * MIB,
        set_by: LimitSource::GroupAbove,
        path: Some("/p".into()),
        others_bytes: Some(227 * MIB),
    };
    assert_eq!(ceiling, expected);
    assert_eq!(ceiling.owner().to_string(), "the control group /p above");
}

#[test]
fn the_own_limit_counts_if_the_parent_has_more_room() {
    let cgroup = pod(Some(60), level("/p", Some(300), 283, 0));
    let ceiling = Ceiling::lowest(Some(&cgroup), None, None).unwrap();
    assert_eq!((ceiling.room_bytes, ceiling.set_by), (2 * MIB, LimitSource::Group));
    assert_eq!((ceiling.others_bytes, ceiling.owner().to_string()), (Some(0), "the container".to_owned()));
}

#[test]
fn the_machine_counts_if_no_limit_has_less_room() {
    let expected = Ceiling {
        limit_bytes: 24_000 * MIB,
        used_bytes: 23_900 * MIB,
        room_bytes: 100 * MIB,
        set_by: LimitSource::Machine,
        path: None,
        others_bytes: Some(23_850 * MIB),
    };
    let full = machine(24_000, 100);
    let unlimited = pod(None, level("/p", None, 283, 0));
    let generous = pod(Some(1_000), level("/p", Some(20_000), 283, 0));
    for cgroup in [None, Some(&unlimited), Some(&generous)] {
        assert_eq!(Ceiling::lowest(cgroup, Some(&full), Some(50 * MIB)), Some(expected.clone()));
    }
    let unread = Ceiling::lowest(None, Some(&full), None).unwrap();
    assert_eq!(unread.others_bytes, None);
}

#[test]
fn names_a_group_above_the_visible_groups() {
    let cgroup = pod(None, level("..", Some(100), 90, 0));
    let ceiling = Ceiling::lowest(Some(&cgroup), None, None).unwrap();
    assert!(ceiling.is_above_visible_groups());
    assert_eq!(ceiling.owner().to_string(), "a control group above the visible ones");
}

#[test]
fn uses_the_own_group_for_a_report_from_an_older_program() {
    let cgroup = CgroupMemory { binding: None, ..pod(Some(100), level("/p", Some(300), 283, 0)) };
    let ceiling = Ceiling::lowest(Some(&cgroup), None, None).unwrap();
    assert_eq!((ceiling.limit_bytes, ceiling.room_bytes), (100 * MIB, 42 * MIB));
}

#[test]
fn an_unknown_ceiling_has_a_reason() {
    let mut report = crate::sample::report();
    (report.cgroup, report.machine) = (None, None);
    assert_eq!(
        report.ceiling().unwrap_err().to_string(),
        "cgroup.binding was not collected; machine.available_bytes was not collected"
    );
    report.unavailable.note("cgroup.binding", "no limit is set");
    report.unavailable.note("machine", "meminfo: permission denied");
    assert_eq!(report.ceiling().unwrap_err().to_string(), "no limit is set; meminfo: permission denied");
    report.machine = Some(MachineMemory { total_bytes: Some(7), available_bytes: None });
    assert!(report.ceiling().is_err());
}

#[test]
fn an_unreadable_limit_does_not_mean_no_limit() {
    let mut report = crate::sample::report();
    assert_eq!(report.is_limited(), Ok(true));
    report.cgroup = Some(pod(None, level("/p", None, 283, 0)));
    assert_eq!(report.is_limited(), Err("cgroup.binding was not collected".into()));
    report.unavailable.note("cgroup.binding", "memory.max: permission denied");
    assert_eq!(report.is_limited(), Err("memory.max: permission denied".into()));
    report.unavailable.note("cgroup.binding", NO_LIMIT);
    assert_eq!(report.is_limited(), Ok(false));
    report.cgroup = None;
    assert_eq!(report.is_limited(), Err("cgroup was not collected".into()));
    report.unavailable.note("cgroup", "cgroup: permission denied");
    assert_eq!(report.is_limited(), Err("cgroup: permission denied".into()));
    for reason in [NO_GROUP, NO_CONTROLLER] {
        report.unavailable.note("cgroup", reason);
        assert_eq!(report.is_limited(), Ok(false), "{reason}");
    }
}

#[test]
fn extreme_numbers_do_not_overflow() {
    let most = level("/p", Some(0), 0, 0);
    let most = CgroupLevel { limit_bytes: Some(u64::MAX), current_bytes: Some(u64::MAX), ..most };
    let cgroup = CgroupMemory { binding: Some(most), current_bytes: Some(0), ..CgroupMemory::default() };
    let machine = MachineMemory { total_bytes: Some(0), available_bytes: Some(u64::MAX) };
    assert_eq!(Ceiling::lowest(Some(&cgroup), None, None).unwrap().others_bytes, Some(u64::MAX));
    assert_eq!(Ceiling::lowest(None, Some(&machine), Some(u64::MAX)).unwrap().used_bytes, 0);
}

#[test]
fn s64_a_path_cannot_forge_lines() {
    let cgroup = pod(None, level("/p\nresident 0", Some(100), 90, 0));
    let ceiling = Ceiling::lowest(Some(&cgroup), None, None).unwrap();
    assert_eq!(ceiling.owner().to_string(), r"the control group /p\u{a}resident 0 above");
}
