use memory_debug_report::CgroupParts;

use super::*;
use crate::process::fixture::Tree;

/// `/proc` and the control groups in one tree, with the groups mounted at `<tree>/cgroup`.
fn tree(membership: &str, mount: impl Fn(&str) -> String, files: &[(&str, &str)]) -> Tree {
    let tree = Tree::new(files.iter().copied());
    tree.add("proc/self/cgroup", membership);
    let point = tree.path().join("cgroup");
    tree.add("proc/self/mountinfo", &mount(&point.to_string_lossy().replace(' ', r"\040")));
    tree
}

fn version_2(root: &'static str) -> impl Fn(&str) -> String {
    move |point| {
        format!(
            "22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n\
             30 22 0:26 {root} {point} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
        )
    }
}

fn read(tree: &Tree) -> (Option<CgroupMemory>, Unavailable) {
    let mut unavailable = Unavailable::default();
    (read_cgroup(&tree.path().join("proc"), &mut unavailable), unavailable)
}

#[test]
fn reads_all_of_version_2() {
    let files = [
        ("cgroup/a/b/memory.max", "1073741824\n"),
        ("cgroup/a/b/memory.current", "536870912\n"),
        ("cgroup/a/b/memory.peak", "600000000\n"),
        (
            "cgroup/a/b/memory.stat",
            "anon 1\nfile 90\nkernel 17\nsock 8\nshmem 70\nfile_mapped 20\ninactive_anon 2\ninactive_file 4096\n",
        ),
        ("cgroup/a/b/memory.events", "low 0\nhigh 7\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"),
        (
            "cgroup/a/b/memory.pressure",
            "some avg10=1.25 avg60=0.10 avg300=0.00 total=681245\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=9\n",
        ),
    ];
    let (cgroup, unavailable) = read(&tree("0::/a/b\n", version_2("/"), &files));
    let mut expected = CgroupMemory::default();
    expected.version = 2;
    expected.path = "/a/b".into();
    expected.limit_bytes = Some(1 << 30);
    expected.current_bytes = Some(512 << 20);
    expected.inactive_file_bytes = Some(4096);
    expected.peak_bytes = Some(600_000_000);
    expected.oom_kills = Some(1);
    expected.high_events = Some(7);
    expected.max_events = Some(3);
    expected.pressure_some_avg10_percent = Some(1.25);
    expected.pressure_full_avg10_percent = Some(0.5);
    expected.parts.anonymous_bytes = Some(1);
    expected.parts.file_bytes = Some(90);
    expected.parts.mapped_file_bytes = Some(20);
    expected.parts.shared_bytes = Some(70);
    expected.parts.kernel_bytes = Some(17);
    expected.parts.socket_bytes = Some(8);
    expected.binding = Some(expected.own_level());
    assert_eq!(cgroup, Some(expected));
    assert!(unavailable.is_empty());
}

const MIB: u64 = 1 << 20;

/// The service's group `p/a` of 58 MiB, below `p` with 300 MiB, which a neighbour has nearly filled.
fn pod_2(own_limit: &str) -> Tree {
    let pod = (300 * MIB).to_string();
    let (own, all) = ((58 * MIB).to_string(), (288 * MIB).to_string());
    let files = [
        ("cgroup/memory.stat", "anon 1\n"),
        ("cgroup/p/memory.max", pod.as_str()),
        ("cgroup/p/memory.current", &all),
        ("cgroup/p/memory.stat", "anon 9\ninactive_file 5242880\nshmem 6\n"),
        ("cgroup/p/memory.events", "high 70\nmax 30\noom_kill 2\n"),
        ("cgroup/p/memory.events.local", "high 7\nmax 3\noom_kill 0\n"),
        ("cgroup/p/a/memory.max", own_limit),
        ("cgroup/p/a/memory.current", &own),
        ("cgroup/p/a/memory.stat", "anon 5\ninactive_file 0\n"),
        ("cgroup/p/a/memory.events", "high 0\nmax 0\noom_kill 0\n"),
    ];
    tree("0::/p/a\n", version_2("/"), &files)
}

#[test]
fn version_2_has_the_numbers_of_the_parent_which_binds() {
    for (own_limit, own_bytes) in [("max", None), ("268435456", Some(256 * MIB))] {
        let (cgroup, unavailable) = read(&pod_2(own_limit));
        let cgroup = cgroup.unwrap();
        assert_eq!((cgroup.limit_bytes, cgroup.current_bytes), (own_bytes, Some(58 * MIB)));
        let [parent] = &cgroup.levels[..] else { panic!("{cgroup:?}") };
        assert_eq!((parent.path.as_str(), parent.limit_bytes), ("/p", Some(300 * MIB)));
        assert_eq!((parent.current_bytes, parent.inactive_file_bytes), (Some(288 * MIB), Some(5 * MIB)));
        // Kills count processes below; the limit that was reached is the level's own.
        assert_eq!((parent.oom_kills, parent.high_events, parent.max_events), (Some(2), Some(7), Some(3)));
        assert_eq!((parent.parts.anonymous_bytes, parent.parts.shared_bytes), (Some(9), Some(6)));
        assert_eq!(cgroup.binding.as_ref(), Some(parent));
        assert_eq!(parent.room_bytes(), Some(17 * MIB));
        assert_eq!(unavailable.get("cgroup.binding"), None);
    }
}

#[test]
fn the_own_limit_binds_if_it_has_less_room() {
    let (cgroup, _) = read(&pod_2("62914560"));
    let cgroup = cgroup.unwrap();
    assert_eq!(cgroup.binding, Some(cgroup.own_level()));
    assert_eq!(cgroup.binding.and_then(|level| level.room_bytes()), Some(2 * MIB));
}

#[test]
fn an_unreadable_level_has_reasons_and_the_others_still_count() {
    let tree = pod_2("268435456");
    tree.add("cgroup/p/memory.max", "many\n");
    let (cgroup, unavailable) = read(&tree);
    let cgroup = cgroup.unwrap();
    assert_eq!(unavailable.get("cgroup.levels.0.limit_bytes"), Some("memory.max is not a number"));
    assert_eq!(cgroup.binding.map(|level| level.path).as_deref(), Some("/p/a"));
    tree.add("cgroup/p/a/memory.max", "max\n");
    let (cgroup, unavailable) = read(&tree);
    assert_eq!(cgroup.unwrap().binding, None);
    assert_eq!(unavailable.get("cgroup.binding"), Some("memory.max is not a number"));
    tree.add("cgroup/p/memory.max", "300\n");
    tree.add("cgroup/p/memory.current", "\n");
    let (cgroup, unavailable) = read(&tree);
    assert_eq!(cgroup.unwrap().binding, None);
    assert_eq!(unavailable.get("cgroup.binding"), Some("memory.current is not a number"));
}

#[test]
fn sums_up_kernel_memory_on_an_older_kernel() {
    let tree = pod_2("max");
    tree.add("cgroup/p/a/memory.stat", "kernel_stack 1\npagetables 20\npercpu 300\nslab 4000\nsock 5\n");
    let (cgroup, unavailable) = read(&tree);
    assert_eq!(cgroup.unwrap().parts.kernel_bytes, Some(4321));
    assert_eq!(unavailable.get("cgroup.parts.shared_bytes"), Some("the kernel does not report shmem"));
    tree.add("cgroup/p/a/memory.stat", "anon 1\n");
    let (cgroup, unavailable) = read(&tree);
    assert_eq!(cgroup.unwrap().parts.kernel_bytes, None);
    assert_eq!(unavailable.get("cgroup.parts.kernel_bytes"), Some("the kernel does not report kernel"));
}

#[test]
fn keeps_the_nearest_levels_and_the_end_of_a_long_path() {
    let deep = "/é".repeat(300);
    let tree = tree(&format!("0::{deep}\n"), version_2("/"), &[]);
    for depth in 1..=300 {
        let group = "/é".repeat(depth);
        tree.add(&format!("cgroup{group}/memory.current"), &depth.to_string());
    }
    let (cgroup, unavailable) = read(&tree);
    let cgroup = cgroup.unwrap();
    assert_eq!((cgroup.current_bytes, cgroup.levels.len()), (Some(300), MAX_LEVELS - 1));
    assert!(cgroup.path.starts_with('…') && cgroup.path.ends_with("/é") && cgroup.path.len() <= 403);
    assert_eq!(unavailable.get("cgroup.levels"), Some("only the nearest 31 are read"));
}

#[test]
fn a_missing_limit_has_a_reason() {
    let files = [("cgroup/memory.max", "max\n"), ("cgroup/memory.current", "1\n")];
    let (cgroup, unavailable) = read(&tree("0::/\n", version_2("/"), &files));
    assert_eq!(cgroup.unwrap().limit_bytes, None);
    assert_eq!(unavailable.get("cgroup.limit_bytes"), Some("no limit is set"));
    assert_eq!(unavailable.get("cgroup.binding"), Some("no limit is set"));
    assert_eq!(unavailable.get("cgroup.oom_kills"), Some("memory.events: entity not found"));
    assert_eq!(unavailable.get("cgroup.peak_bytes"), Some("memory.peak: entity not found"));
}

#[test]
fn limits_above_the_mount_point_are_not_read() {
    let files = [("memory.max", "5\n"), ("cgroup/g/memory.max", "9\n"), ("cgroup/g/memory.current", "1\n")];
    let (cgroup, _) = read(&tree("0::/g\n", version_2("/"), &files));
    let cgroup = cgroup.unwrap();
    assert_eq!((cgroup.limit_bytes, cgroup.levels.len()), (Some(9), 0));
}

#[test]
fn a_container_that_sees_only_its_own_part_finds_itself() {
    let files = [("cgroup/memory.max", "7\n"), ("cgroup/memory.current", "5\n")];
    let (cgroup, _) = read(&tree("0::/docker/abc\n", version_2("/docker/abc"), &files));
    let cgroup = cgroup.unwrap();
    assert_eq!((cgroup.limit_bytes, cgroup.current_bytes), (Some(7), Some(5)));
    assert_eq!((cgroup.path.as_str(), cgroup.levels), ("/", vec![]));
}

#[test]
fn a_group_without_the_controller_is_charged_to_its_parent() {
    let files =
        [("cgroup/a/memory.max", "7\n"), ("cgroup/a/memory.current", "5\n"), ("cgroup/a/b/cgroup.procs", "")];
    let (cgroup, _) = read(&tree("0::/a/b\n", version_2("/"), &files));
    assert_eq!(cgroup.unwrap().current_bytes, Some(5));
}

#[test]
fn a_group_outside_the_namespace_is_not_mistaken_for_another() {
    let files = [("cgroup/memory.max", "7\n"), ("cgroup/memory.current", "5\n")];
    let (cgroup, unavailable) = read(&tree("0::/../other\n", version_2("/"), &files));
    assert_eq!(cgroup, None);
    let reason = "the file system of the process's control group is not mounted here";
    assert_eq!(unavailable.get("cgroup"), Some(reason));
}

#[test]
fn without_the_memory_controller_there_is_one_reason() {
    let (cgroup, unavailable) = read(&tree("0::/\n", version_2("/"), &[("cgroup/cgroup.procs", "")]));
    assert_eq!(cgroup, None);
    let reason = "the memory controller is not enabled for the process's control group";
    assert_eq!(unavailable.iter().collect::<Vec<_>>(), [("cgroup", reason)]);
}

fn version_1(point: &str) -> String {
    format!(
        "31 22 0:27 / {point}/unified rw - cgroup2 cgroup2 rw\n\
         32 22 0:28 / {point}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
         33 22 0:29 / {point}/memory rw - cgroup cgroup rw,memory\n"
    )
}

#[test]
fn version_1_is_read_in_a_hybrid_hierarchy() {
    let files = [
        ("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("cgroup/memory/s/memory.limit_in_bytes", "1048576\n"),
        ("cgroup/memory/s/memory.usage_in_bytes", "4096\n"),
        ("cgroup/memory/s/memory.max_usage_in_bytes", "8192\n"),
        ("cgroup/memory/s/memory.stat", "inactive_file 1\ntotal_inactive_file 512\n"),
        ("cgroup/memory/s/memory.failcnt", "2\n"),
        ("cgroup/memory/s/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"),
    ];
    let (cgroup, unavailable) = read(&tree("4:memory:/s\n3:cpu,cpuacct:/s\n0::/s\n", version_1, &files));
    let cgroup = cgroup.unwrap();
    assert_eq!(cgroup.version, 1);
    assert_eq!((cgroup.limit_bytes, cgroup.current_bytes), (Some(1 << 20), Some(4096)));
    assert_eq!(cgroup.inactive_file_bytes, Some(512));
    assert_eq!((cgroup.peak_bytes, cgroup.max_events, cgroup.oom_kills), (Some(8192), Some(2), Some(4)));
    assert_eq!(unavailable.get("cgroup.high_events"), Some("version 1 control groups do not have it"));
    assert_eq!(unavailable.get("cgroup.limit_bytes"), None);
}

/// Like [`pod_2`], in version 1.
fn pod_1(own_limit: &str) -> Tree {
    let pod = (300 * MIB).to_string();
    let (own, all) = ((58 * MIB).to_string(), (288 * MIB).to_string());
    let files = [
        ("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("cgroup/memory/memory.usage_in_bytes", "2440785920\n"),
        ("cgroup/memory/memory.use_hierarchy", "1\n"),
        ("cgroup/memory/p/memory.limit_in_bytes", pod.as_str()),
        ("cgroup/memory/p/memory.usage_in_bytes", &all),
        ("cgroup/memory/p/memory.use_hierarchy", "1\n"),
        ("cgroup/memory/p/memory.failcnt", "3\n"),
        ("cgroup/memory/p/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        ("cgroup/memory/p/memory.stat", "inactive_file 0\ntotal_inactive_file 5242880\n"),
        ("cgroup/memory/p/a/memory.limit_in_bytes", own_limit),
        ("cgroup/memory/p/a/memory.usage_in_bytes", &own),
        (
            "cgroup/memory/p/a/memory.stat",
            "rss 0\nhierarchical_memory_limit 314572800\ntotal_cache 90\ntotal_rss 5\ntotal_shmem 70\n\
             total_mapped_file 20\ntotal_inactive_file 0\n",
        ),
        ("cgroup/memory/p/a/memory.kmem.usage_in_bytes", "17\n"),
        ("cgroup/memory/p/a/memory.kmem.tcp.usage_in_bytes", "0\n"),
        ("cgroup/memory/p/a/memory.kmem.tcp.limit_in_bytes", "9223372036854771712\n"),
    ];
    tree("4:memory:/p/a\n0::/\n", version_1, &files)
}

#[test]
fn version_1_has_the_numbers_of_the_parent_which_binds() {
    let (cgroup, unavailable) = read(&pod_1("268435456\n"));
    let cgroup = cgroup.unwrap();
    let paths: Vec<_> = cgroup.levels.iter().map(|level| level.path.as_str()).collect();
    assert_eq!((cgroup.path.as_str(), paths), ("/p/a", vec!["/p", "/"]));
    assert_eq!((cgroup.limit_bytes, cgroup.current_bytes), (Some(256 * MIB), Some(58 * MIB)));
    let parent = &cgroup.levels[0];
    assert_eq!((parent.limit_bytes, parent.working_set_bytes()), (Some(300 * MIB), Some(283 * MIB)));
    assert_eq!((parent.oom_kills, parent.max_events, parent.high_events), (Some(2), Some(3), None));
    assert_eq!(cgroup.binding.as_ref(), Some(parent));
    assert_eq!(unavailable.get("cgroup.levels.1.limit_bytes"), Some("no limit is set"));
}

#[test]
fn version_1_has_the_parts_with_the_groups_below() {
    let tree = pod_1("268435456\n");
    let (cgroup, unavailable) = read(&tree);
    let mut expected = CgroupParts::default();
    expected.anonymous_bytes = Some(5);
    expected.file_bytes = Some(90);
    expected.mapped_file_bytes = Some(20);
    expected.shared_bytes = Some(70);
    expected.kernel_bytes = Some(17);
    expected.socket_bytes = None;
    assert_eq!(cgroup.unwrap().parts, expected);
    assert_eq!(
        unavailable.get("cgroup.parts.socket_bytes"),
        Some("version 1 control groups count it only with a limit in memory.kmem.tcp.limit_in_bytes")
    );
    for (limit, usage, expected) in
        [("1048576", "0", 0), ("1048576", "4096", 4096), ("9223372036854771712", "8192", 8192)]
    {
        tree.add("cgroup/memory/p/a/memory.kmem.tcp.limit_in_bytes", limit);
        tree.add("cgroup/memory/p/a/memory.kmem.tcp.usage_in_bytes", usage);
        assert_eq!(read(&tree).0.unwrap().parts.socket_bytes, Some(expected));
    }
}

#[test]
fn in_version_1_a_parent_without_hierarchy_does_not_include_its_children() {
    let tree = pod_1("268435456\n");
    tree.add("cgroup/memory/p/memory.use_hierarchy", "0\n");
    tree.add("cgroup/memory/p/a/memory.stat", "hierarchical_memory_limit 268435456\ntotal_inactive_file 0\n");
    let cgroup = read(&tree).0.unwrap();
    assert_eq!((cgroup.binding.as_ref(), cgroup.levels.len()), (Some(&cgroup.own_level()), 0));
}

#[test]
fn version_1_reports_a_limit_above_the_mount_point() {
    let own = [
        ("cgroup/memory/memory.limit_in_bytes", "268435456\n"),
        ("cgroup/memory/memory.usage_in_bytes", "60817408\n"),
        ("cgroup/memory/memory.stat", "hierarchical_memory_limit 104857600\ntotal_inactive_file 1048576\n"),
    ];
    let mount = |point: &str| format!("33 22 0:29 /pod/a {point}/memory rw - cgroup cgroup rw,memory\n");
    let tree = tree("4:memory:/pod/a\n", mount, &own);
    let (cgroup, unavailable) = read(&tree);
    let cgroup = cgroup.unwrap();
    let [above] = &cgroup.levels[..] else { panic!("{cgroup:?}") };
    assert_eq!((above.path.as_str(), above.limit_bytes), ("..", Some(100 * MIB)));
    let reason = "only the limit of a group above the mount point is known";
    assert_eq!(unavailable.get("cgroup.levels.0.parts.shared_bytes"), Some(reason));
    assert_eq!((above.working_set_bytes(), above.room_bytes()), (Some(57 * MIB), Some(43 * MIB)));
    assert_eq!(cgroup.binding.as_ref(), Some(above));
    for not_lower in ["268435456", "9223372036854771712"] {
        let stat = format!("hierarchical_memory_limit {not_lower}\ntotal_inactive_file 1048576\n");
        tree.add("cgroup/memory/memory.stat", &stat);
        assert_eq!(read(&tree).0.unwrap().levels, [], "{not_lower}");
    }
}

#[test]
fn a_huge_limit_in_version_1_means_no_limit() {
    let files = [
        ("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("cgroup/memory/memory.usage_in_bytes", "4096\n"),
    ];
    let (cgroup, unavailable) = read(&tree("4:memory:/\n", version_1, &files));
    assert_eq!(cgroup.unwrap().limit_bytes, None);
    assert_eq!(unavailable.get("cgroup.limit_bytes"), Some("no limit is set"));
}

#[test]
fn odd_pressure_is_a_reason_and_not_a_panic() {
    for text in ["", "some", "some\n", "some avg10=\n", "some avg10=NaN\n", "some avg60=1.0\n"] {
        assert_eq!(average_10(text, "some"), Err("memory.pressure has no avg10 for some".into()), "{text:?}");
    }
}
