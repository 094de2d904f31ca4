use super::*;
use crate::process::fixture::Tree;

/// `/proc` and the control groups in one tree, the latter mounted at `<tree>/cgroup`.
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
fn version_2_is_read_with_the_lowest_limit_on_the_way_up() {
    let files = [
        ("cgroup/a/memory.max", "1073741824\n"),
        ("cgroup/a/b/memory.max", "2147483648\n"),
        ("cgroup/a/b/c/memory.max", "max\n"),
        ("cgroup/a/b/c/memory.current", "536870912\n"),
        ("cgroup/a/b/c/memory.peak", "600000000\n"),
        ("cgroup/a/b/c/memory.stat", "anon 1\nfile 90\ninactive_anon 2\ninactive_file 4096\nactive_file 3\n"),
        ("cgroup/a/b/c/memory.events", "low 0\nhigh 7\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"),
        (
            "cgroup/a/b/c/memory.pressure",
            "some avg10=1.25 avg60=0.10 avg300=0.00 total=681245\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=9\n",
        ),
    ];
    let (cgroup, unavailable) = read(&tree("0::/a/b/c\n", version_2("/"), &files));
    let expected = CgroupMemory {
        version: 2,
        limit_bytes: Some(1 << 30),
        current_bytes: Some(512 << 20),
        inactive_file_bytes: Some(4096),
        peak_bytes: Some(600_000_000),
        oom_kills: Some(1),
        high_events: Some(7),
        max_events: Some(3),
        pressure_some_avg10_percent: Some(1.25),
        pressure_full_avg10_percent: Some(0.5),
    };
    assert_eq!(cgroup, Some(expected));
    assert!(unavailable.is_empty());
}

#[test]
fn no_limit_is_none_with_a_reason() {
    let files = [("cgroup/memory.max", "max\n"), ("cgroup/memory.current", "1\n")];
    let (cgroup, unavailable) = read(&tree("0::/\n", version_2("/"), &files));
    assert_eq!(cgroup.unwrap().limit_bytes, None);
    assert_eq!(unavailable.get("cgroup.limit_bytes"), Some("no limit is set"));
    assert_eq!(unavailable.get("cgroup.oom_kills"), Some("memory.events: entity not found"));
    assert_eq!(unavailable.get("cgroup.peak_bytes"), Some("memory.peak: entity not found"));
}

#[test]
fn limits_above_the_mount_point_are_not_read() {
    let files = [("memory.max", "5\n"), ("cgroup/g/memory.max", "9\n"), ("cgroup/g/memory.current", "1\n")];
    let (cgroup, _) = read(&tree("0::/g\n", version_2("/"), &files));
    assert_eq!(cgroup.unwrap().limit_bytes, Some(9));
}

#[test]
fn a_container_that_sees_only_its_own_part_finds_itself() {
    let files = [("cgroup/memory.max", "7\n"), ("cgroup/memory.current", "5\n")];
    let (cgroup, _) = read(&tree("0::/docker/abc\n", version_2("/docker/abc"), &files));
    let cgroup = cgroup.unwrap();
    assert_eq!((cgroup.limit_bytes, cgroup.current_bytes), (Some(7), Some(5)));
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

#[test]
fn the_huge_number_of_version_1_is_no_limit() {
    let files = [
        ("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("cgroup/memory/memory.usage_in_bytes", "4096\n"),
    ];
    let (cgroup, unavailable) = read(&tree("4:memory:/\n", version_1, &files));
    assert_eq!(cgroup.unwrap().limit_bytes, None);
    assert_eq!(unavailable.get("cgroup.limit_bytes"), Some("no limit is set"));
}

#[test]
fn odd_pressure_is_a_reason_and_no_panic() {
    for text in ["", "some", "some\n", "some avg10=\n", "some avg10=NaN\n", "some avg60=1.0\n"] {
        assert_eq!(average_10(text, "some"), Err("memory.pressure has no avg10 for some".into()), "{text:?}");
    }
}
