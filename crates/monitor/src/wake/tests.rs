use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use rustix::event::{PollFd, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::fixture::Tree;
use crate::reader::Needs;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn open(tree: &Tree, manager: &ServiceManager) -> Wakes {
    let mut reader = Reader::new(tree.path(), Needs::default());
    reader.read(crate::clock::Moment::default(), false);
    Wakes::open(tree.path(), &reader, manager, &mut [0; 4096])
}

/// What a source reports within `wait`, at the monitor's time `at`.
fn ready(source: &mut Source, at: Duration, wait: Duration) -> Option<Woke> {
    let (fd, flags) = source.waits_for(at)?;
    let mut polled = [PollFd::from_borrowed_fd(fd, flags)];
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
    let count = poll(&mut polled, Some(&timeout)).unwrap();
    let ready = polled[0].revents();
    (count > 0).then(|| source.take(at, ready, &mut [0; 4096]))
}

#[test]
fn m2_a_rewrite_of_memory_events_wakes_at_once() {
    let tree = Tree::version_2();
    let mut events = open(&tree, &ServiceManager::default()).events.unwrap();
    assert_eq!(ready(&mut events, millis(0), millis(0)), None, "nothing happened yet");
    tree.add("cgroup/p/a/memory.events", "high 1\n");
    assert_eq!(ready(&mut events, millis(0), millis(50)), Some(Woke::Yes));
}

#[test]
fn m2_a_thousand_rewrites_a_second_are_two_wakes() {
    let tree = Tree::version_2();
    let mut events = open(&tree, &ServiceManager::default()).events.unwrap();
    let mut wakes = 0;
    for at in 0..1_000 {
        tree.add("cgroup/p/a/memory.events", "high 1\n");
        wakes += u32::from(ready(&mut events, millis(at), millis(0)).is_some());
    }
    assert_eq!(wakes, 2);
    // What happened during the hold-off is not lost.
    assert_eq!(ready(&mut events, millis(1_500), millis(0)), Some(Woke::Yes));
    assert_eq!(ready(&mut events, millis(2_500), millis(0)), None);
}

#[test]
fn m2_a_group_that_vanishes_leaves_the_interval() {
    let tree = Tree::version_2();
    let mut events = open(&tree, &ServiceManager::default()).events.unwrap();
    tree.remove("cgroup/p/a");
    // The kernel reports that the watch is gone, once.
    assert_eq!(ready(&mut events, millis(0), millis(50)), Some(Woke::Yes));
    assert_eq!(ready(&mut events, millis(1_000), millis(0)), None);
    let missing = open(&tree, &ServiceManager::default()).events.unwrap_err();
    assert!(!missing.is_empty());
}

#[test]
fn m2_version_1_has_no_events_and_says_so() {
    let wakes = open(&Tree::version_1(), &ServiceManager::default());
    assert_eq!(wakes.events.unwrap_err(), "version 1 control groups report no events without write access");
    assert_eq!(wakes.pressure.unwrap_err(), "version 1 control groups do not have it");
}

#[test]
fn m3_the_trigger_ends_with_a_nul_and_its_window_is_a_multiple_of_two_seconds() {
    let tree = Tree::version_2();
    tree.add("cgroup/p/a/memory.pressure", "");
    let wakes = open(&tree, &ServiceManager::default());
    assert_eq!(wakes.pressure.unwrap().name, "memory.pressure of the container");
    let written = fs::read(tree.path().join("cgroup/p/a/memory.pressure")).unwrap();
    assert_eq!(written, b"some 150000 2000000\0");
}

#[test]
fn m3_a_report_without_a_stall_is_false() {
    let tree = Tree::version_2();
    let line = |total| format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n");
    let file = "cgroup/p/a/memory.pressure";
    tree.add(file, &line(1_000_000));
    let mut pressure = open(&tree, &ServiceManager::default()).pressure.unwrap();
    let mut take = |total, at| {
        tree.add(file, &line(total));
        pressure.take(millis(at), PollFlags::PRI, &mut [0; 4096])
    };
    assert_eq!(take(1_149_999, 0), Woke::Falsely);
    assert_eq!(take(1_150_000, 2_000), Woke::Yes);
    assert_eq!(take(1_299_999, 4_000), Woke::Falsely, "counted from the last true report");
    assert_eq!(pressure.take(millis(6_000), PollFlags::ERR, &mut [0; 4096]), Woke::Ended);
}

#[test]
fn m3_what_cannot_be_armed_has_a_reason() {
    let tree = Tree::version_2();
    let reason = |tree: &Tree| open(tree, &ServiceManager::default()).pressure.unwrap_err();
    assert_eq!(reason(&tree), "memory.pressure of the container: entity not found");
    tree.add("cgroup/p/a/memory.pressure", "");
    let file = tree.path().join("cgroup/p/a/memory.pressure");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    // Root may write to a file without the permission.
    if !rustix::process::geteuid().is_root() {
        assert!(reason(&tree).contains("permission denied"), "{}", reason(&tree));
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(reason(&tree), "memory.pressure of the container: is a directory");
    let refused = pressure::reason(&std::io::ErrorKind::InvalidInput.into());
    assert_eq!(refused, "the kernel refuses the trigger; it may be older than 6.4");
}

#[test]
fn m3_the_hosts_pressure_counts_only_without_a_limit() {
    let tree = Tree::version_2();
    tree.add("pressure/memory", "");
    assert!(open(&tree, &ServiceManager::default()).pressure.is_err());
    tree.add("cgroup/p/a/memory.max", "max\n");
    let wakes = open(&tree, &ServiceManager::default());
    assert_eq!(wakes.pressure.unwrap().name, "/proc/pressure/memory");
}

fn manager(path: &Path, write: Option<&str>) -> ServiceManager {
    ServiceManager { watch: Some(path.to_owned()), write: write.map(Into::into) }
}

#[test]
fn m3_a_service_manager_can_name_a_fifo() {
    let tree = Tree::version_2();
    let path = tree.path().join("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut pressure = open(&tree, &manager(&path, None)).pressure.unwrap();
    assert_eq!(pressure.name, "$MEMORY_PRESSURE_WATCH");
    let mut other_end = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    other_end.write_all(b"x").unwrap();
    assert_eq!(ready(&mut pressure, millis(0), millis(50)), Some(Woke::Yes));
    assert_eq!(ready(&mut pressure, millis(500), millis(0)), None, "what was there was read");
}

#[test]
fn m3_a_service_manager_can_name_a_socket_and_what_to_write() {
    let tree = Tree::version_2();
    let path = tree.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut pressure = open(&tree, &manager(&path, Some("aGVsbG8="))).pressure.unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut written = [0; 5];
    peer.read_exact(&mut written).unwrap();
    assert_eq!(&written, b"hello");
    peer.write_all(b"!").unwrap();
    assert_eq!(ready(&mut pressure, millis(0), millis(50)), Some(Woke::Yes));
    drop(peer);
    assert_eq!(ready(&mut pressure, millis(500), millis(50)), Some(Woke::Ended));
}

#[test]
fn m3_a_service_manager_can_name_a_file_and_its_trigger() {
    let tree = Tree::version_2();
    tree.add("x/memory.pressure", "");
    let path = tree.path().join("x/memory.pressure");
    // some 200000 2000000\0
    let pressure = open(&tree, &manager(&path, Some("c29tZSAyMDAwMDAgMjAwMDAwMAA="))).pressure.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"some 200000 2000000\0");
    let Kind::Stall(stall) = &pressure.kind else { panic!("{pressure:?}") };
    assert!(format!("{stall:?}").contains("least_us: 200000"), "{stall:?}");
}

#[test]
fn m3_a_service_manager_can_switch_it_off() {
    let tree = Tree::version_2();
    tree.add("cgroup/p/a/memory.pressure", "");
    let reason = open(&tree, &manager(Path::new("/dev/null"), None)).pressure.unwrap_err();
    assert_eq!(reason, "$MEMORY_PRESSURE_WATCH switches it off");
}

#[test]
fn m3_what_the_service_manager_says_can_be_wrong() {
    let tree = Tree::version_2();
    let reason = |path: &str, write| {
        let reason = open(&tree, &manager(Path::new(path), write)).pressure.unwrap_err();
        reason.split(';').next().unwrap().to_owned()
    };
    assert_eq!(reason("relative", None), "$MEMORY_PRESSURE_WATCH is not an absolute path");
    assert_eq!(reason("/nonexistent", None), "$MEMORY_PRESSURE_WATCH: entity not found");
    assert_eq!(reason("/proc/self/fd", Some("%")), "$MEMORY_PRESSURE_WRITE is not base64");
    tree.add("cgroup/p/a/memory.pressure", "");
    let other = open(&tree, &manager(Path::new("/nonexistent"), None)).pressure;
    assert_eq!(other.unwrap().name, "memory.pressure of the container");
}

#[test]
fn m3_the_kernels_own_file_is_armed_or_has_a_reason() {
    let buffer = &mut [0; 4096];
    match pressure::watch(&ServiceManager::default(), None, Some(Path::new("/proc/pressure")), buffer) {
        Ok(mut source) => {
            // A false report may follow at once. It is dropped unless something stalled meanwhile.
            assert_eq!(source.name, "/proc/pressure/memory");
            let _ = ready(&mut source, Duration::ZERO, Duration::ZERO);
        }
        Err(reason) => assert!(reason.starts_with("/proc/pressure/memory: "), "{reason}"),
    }
}
