//! Scans of a live process whose holders are known.
//!
//! Each test has a process of its own, because a process has one scan at a time, and calls share it.
#![cfg(all(feature = "jemalloc", target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![allow(clippy::vec_box, reason = "each box is an object whose holder is known")]

#[macro_use]
mod child;

use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use memory_debug_core::{
    Collector, HeldType, HolderChain, HoldersOptions, HoldersReport, RootKind, record_live_samples,
};

memory_debug_core::install!(lg_prof_sample = 12);

const CONF: &str = "prof:true,prof_active:true,lg_prof_sample:12";

struct Session {
    _name: String,
    _numbers: [u64; 20],
}

struct Message(#[expect(dead_code, reason = "only its size matters")] [u64; 40]);
struct Cached(#[expect(dead_code, reason = "only its size matters")] [u64; 64]);
struct OnStack(#[expect(dead_code, reason = "only its size matters")] [u16; 200]);
struct Forgotten(#[expect(dead_code, reason = "only its size matters")] [u32; 300]);

struct Node {
    next: Mutex<Option<Arc<Node>>>,
    _numbers: [u64; 30],
}

static SESSIONS: Mutex<Option<HashMap<u64, Arc<Session>>>> = Mutex::new(None);
type Queue = Arc<Mutex<Vec<Box<Message>>>>;
static QUEUE: Mutex<Option<Queue>> = Mutex::new(None);

thread_local! {
    static CACHE: RefCell<Vec<Box<Cached>>> = const { RefCell::new(Vec::new()) };
}

/// What the secret of a session's name looks like in a report, if it were in one.
const SECRET: &str = "contents-that-no-report-may-show";

/// Makes objects with known holders. Dropping the result ends the thread that holds some of them.
fn make() -> mpsc::Sender<()> {
    record_live_samples().unwrap();
    let session =
        |number: u64| Arc::new(Session { _name: format!("{SECRET} {number}"), _numbers: [number; 20] });
    *SESSIONS.lock().unwrap() = Some((0..10_000).map(|number| (number, session(number))).collect());
    let messages = (0..5000).map(|number| Box::new(Message(black_box([number; 40])))).collect();
    *QUEUE.lock().unwrap() = Some(Arc::new(Mutex::new(messages)));
    for number in 0..2000 {
        std::mem::forget(black_box(Box::new(Forgotten([number; 300]))));
    }
    for number in 0..2000 {
        let one = Arc::new(Node { next: Mutex::new(None), _numbers: [number; 30] });
        let other = Node { next: Mutex::new(Some(Arc::clone(&one))), _numbers: [number; 30] };
        *one.next.lock().unwrap() = Some(Arc::new(other));
    }
    let (end, ended) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    let hold = move || {
        let held: Vec<Box<OnStack>> = (0..5000).map(|number| Box::new(OnStack([number; 200]))).collect();
        CACHE.with_borrow_mut(|cache| {
            // A buffer of 16 KB has no sample, and so no sure name, in 2 % of all runs; one of 64 KB in none.
            cache.reserve_exact(8000);
            cache.extend((0..2000).map(|number| Box::new(Cached([number; 64]))));
        });
        ready.send(()).unwrap();
        let _ = ended.recv();
        drop(black_box(held));
    };
    thread::Builder::new().name("holds-boxes".into()).spawn(hold).unwrap();
    is_ready.recv().unwrap();
    end
}

fn scan(scans: u32) -> HoldersReport {
    Collector::new().holders(&HoldersOptions { scans, ..HoldersOptions::default() })
}

/// The type whose name ends so.
fn held<'a>(report: &'a HoldersReport, name: &str) -> &'a HeldType {
    let found = report.types.iter().find(|held| held.type_name == name);
    found.unwrap_or_else(|| panic!("no {name} in {report:#?}"))
}

/// The largest chain of a type, which has most of its bytes.
fn most_of<'a>(report: &'a HoldersReport, name: &str, share: f64) -> &'a HolderChain {
    let held = held(report, name);
    let chain = held.chains.first().unwrap_or_else(|| panic!("no chain of {name}: {held:#?}"));
    assert!(held.samples >= 50, "{held:#?}");
    assert!(chain.bytes as f64 >= share * held.bytes as f64, "{held:#?}");
    chain
}

/// A chain as text: `Vec<Box<A>> <- Static Some("x::A")`.
fn text(chain: &HolderChain) -> String {
    let links = chain.links.iter().map(|link| link.type_name.as_deref().unwrap_or("?"));
    let links: Vec<_> = links.collect();
    format!("{} <- {:?} {}", links.join(" <- "), chain.root.kind, chain.root.name.as_deref().unwrap_or("?"))
}

/// Asserts that the objects of [`make`] have their holders.
fn assert_holders(report: &HoldersReport, share: f64) {
    for (name, expected) in [
        ("Arc<Session>", "HashMap<u64, Arc<Session>> <- Static holders::SESSIONS"),
        ("String", "Arc<Session> <- HashMap<u64, Arc<Session>> <- Static holders::SESSIONS"),
        ("Box<OnStack>", "Vec<Box<OnStack>> <- Stack holds-boxes"),
        ("Box<Cached>", "Vec<Box<Cached>> <- ThreadLocal holders::CACHE"),
    ] {
        assert_eq!(text(most_of(report, name, share)), expected, "{:#?}", held(report, name));
    }
    // The mutex of the vector is one object, so it has no sample, and its name cannot be inferred.
    let message = most_of(report, "Box<Message>", share);
    assert_eq!(message.links[0].type_name.as_deref(), Some("Vec<Box<Message>>"), "{message:#?}");
    let root = (message.root.kind, message.root.name.as_deref());
    assert_eq!(root, (RootKind::Static, Some("holders::QUEUE")), "{message:#?}");
    // They are not older than a minute, so nothing says yet that they are lost.
    for name in ["Box<Forgotten>", "Arc<Node>"] {
        let held = held(report, name);
        assert!(held.unknown_bytes as f64 >= 0.9 * held.bytes as f64, "{held:#?}");
        assert_eq!(held.unreachable, None);
    }
}

fn reason<'a>(report: &'a HoldersReport, path: &str) -> &'a str {
    report.unavailable.get(path).unwrap_or_else(|| panic!("no reason for {path}: {:#?}", report.unavailable))
}

alone! {
    /// All kinds of roots, and objects that nothing holds.
    each_object_has_its_holder(CONF) {
        let end = make();
        let report = scan(3);
        let coverage = report.coverage.clone().unwrap();
        assert_eq!((coverage.scans, coverage.ended_early.as_deref(), coverage.dropped), (3, None, 0));
        assert!(coverage.known_share.unwrap() > 0.9, "{coverage:?}");
        assert!(coverage.recorded_since.is_some() && coverage.read_bytes > 1 << 20, "{coverage:?}");
        assert_holders(&report, 0.97);
        assert_eq!(Collector::new().last_holders().as_deref(), Some(&report));
        assert_eq!(Collector::new().holders_progress(), None);
        drop(end);
    }

    s60_s61_a_report_has_neither_addresses_nor_contents(CONF) {
        let end = make();
        let address = {
            let sessions = SESSIONS.lock().unwrap();
            Arc::as_ptr(&sessions.as_ref().unwrap()[&7]) as u64
        };
        let report = scan(1);
        for shown in [serde_json::to_string(&report).unwrap(), format!("{report:?}")] {
            assert!(shown.contains("Session"), "the search has something to find");
            assert!(!shown.contains("contents-that"), "contents: {shown}");
            let ranges = mapped();
            for number in shown.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() >= 9) {
                let digits = number.strip_prefix("0x").unwrap_or(number);
                let numbers = [u64::from_str_radix(digits, 16), digits.parse()];
                for number in numbers.into_iter().flatten() {
                    let is_mapped = ranges.iter().any(|range| range.contains(&number));
                    assert!(!is_mapped, "{number:#x} is an address");
                }
            }
            assert!(!shown.contains(&format!("{address:x}")) && !shown.contains(&address.to_string()));
        }
        drop(end);
    }

    scans_go_on_while_threads_allocate_free_start_and_end(CONF) {
        let end = make();
        let stop = Arc::new(AtomicBool::new(false));
        let churn = |stop: Arc<AtomicBool>| {
            move || {
                let mut kept: Vec<Vec<u64>> = Vec::new();
                for number in 0_usize.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let size = 1 + (number * 7919) % 3000;
                    kept.push(vec![number as u64; size]);
                    if kept.len() > 500 {
                        kept.swap_remove((number * 104_729) % 500);
                    }
                    if number % 1000 == 0 {
                        // Large memory is mapped and unmapped, and threads end with their stacks.
                        drop(black_box(vec![number; 1 << 19]));
                        thread::spawn(|| black_box(vec![1_u8; 100_000]).len()).join().unwrap();
                    }
                }
            }
        };
        let threads = [(); 2].map(|()| thread::spawn(churn(Arc::clone(&stop))));
        let report = scan(3);
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
        // Threads that have ended and buffers that are gone do not make a scan partial.
        let early = report.coverage.as_ref().unwrap().ended_early.as_deref();
        assert!(early.is_none_or(|reason| reason.contains("time was over")), "{early:?}");
        assert_holders(&report, 0.95);
        drop(end);
    }

    without_time_a_scan_covers_a_part_and_says_so(CONF) {
        let end = make();
        let options = HoldersOptions { deadline: Duration::ZERO, ..HoldersOptions::default() };
        let report = Collector::new().holders(&options);
        let coverage = report.coverage.as_ref().unwrap();
        assert_eq!(coverage.scans, 1);
        let early = "the time was over before all of the heap was read; allow more seconds";
        assert_eq!(coverage.ended_early.as_deref(), Some(early));
        assert!(report.types.iter().all(|held| held.unreachable.is_none()));
        drop(end);
    }

    /// Terabytes that were reserved and never used take minutes to look at.
    s45_a_scan_ends_at_its_deadline_whatever_the_process_has_reserved(CONF) {
        let end = make();
        let (rights, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
        );
        // SAFETY: maps new memory, which stays until the process ends.
        let reserved = unsafe { libc::mmap(std::ptr::null_mut(), 16 << 40, rights, flags, -1, 0) };
        assert_ne!(reserved, libc::MAP_FAILED);
        let options = HoldersOptions { deadline: Duration::from_secs(1), ..HoldersOptions::default() };
        let report = Collector::new().holders(&options);
        let coverage = report.coverage.as_ref().unwrap();
        let early = "the time was over before all of the heap was read; allow more seconds";
        assert_eq!((coverage.scans, coverage.ended_early.as_deref()), (1, Some(early)));
        assert!(report.types.iter().all(|held| held.unreachable.is_none()));
        drop(end);
    }

    a_filter_and_a_depth_limit_what_a_report_shows(CONF) {
        let end = make();
        let options = HoldersOptions {
            type_filter: Some("String".into()),
            depth: 1,
            scans: 1,
            ..HoldersOptions::default()
        };
        let report = Collector::new().holders(&options);
        assert!(report.types.iter().all(|held| held.type_name.contains("String")), "{report:#?}");
        let chain = most_of(&report, "String", 0.97);
        assert_eq!(chain.links.len(), 1, "{chain:#?}");
        drop(end);
    }

    a_forked_child_scans_itself(CONF) {
        let end = make();
        let before = scan(1);
        // SAFETY: glibc and jemalloc prepare their locks for a fork; the child ends itself.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            // SAFETY: sets a timer of the child, whose signal kills it if it hangs.
            unsafe { libc::alarm(120) };
            let found = std::panic::catch_unwind(|| {
                assert_eq!(Collector::new().last_holders(), None, "the result belongs to the parent");
                let report = scan(1);
                let chain = most_of(&report, "Arc<Session>", 0.97);
                assert_eq!(chain.root.name.as_deref(), Some("holders::SESSIONS"));
                // The thread of the parent does not exist here, and nothing holds its boxes.
                let boxes = held(&report, "Box<OnStack>");
                assert!(boxes.chains.iter().all(|chain| chain.root.kind != RootKind::Stack), "{boxes:#?}");
            });
            // SAFETY: ends the child without running the exit handlers of its parent.
            unsafe { libc::_exit(i32::from(found.is_err())) };
        }
        let mut status = 0;
        // SAFETY: reads the status of the child, which no other code waits for.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child panicked or hung");
        assert_holders(&before, 0.97);
        drop(end);
    }

    huge_pages_do_not_matter("prof:true,prof_active:true,lg_prof_sample:12,thp:always,metadata_thp:always") {
        let end = make();
        assert_holders(&scan(1), 0.97);
        drop(end);
    }

    retained_and_eagerly_returned_pages_do_not_matter(
        "prof:true,prof_active:true,lg_prof_sample:12,retain:false,dirty_decay_ms:0,muzzy_decay_ms:0,dss:primary"
    ) {
        let end = make();
        assert_holders(&scan(1), 0.97);
        drop(end);
    }
}

fn mapped() -> Vec<std::ops::Range<u64>> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let hexadecimal = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let range = |line: &str| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        hexadecimal(start)..hexadecimal(end)
    };
    maps.lines().filter(|line| !line.ends_with("[vsyscall]")).map(range).collect()
}

/// A filter that ends the process at these system calls, and permits all others.
fn forbid(calls: &[libc::c_long]) -> std::io::Result<()> {
    let statement = |code: u32, jump: u8, k: u32| libc::sock_filter { code: code as u16, jt: jump, jf: 0, k };
    // Loads the number of the call. Each comparison jumps over the rest to the last statement.
    let mut program = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for (at, call) in calls.iter().enumerate() {
        let jump = (calls.len() - at) as u8;
        program.push(statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, jump, *call as u32));
    }
    program.push(statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW));
    program.push(statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_KILL_PROCESS));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: prctl(2) only changes what this process may do.
    let refused = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 };
    // SAFETY: as above; it reads the filter during the call.
    let refused = refused
        || unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) != 0 };
    if refused { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// Runs a part in a process that a filter ends at these system calls.
fn run_without(calls: &'static [libc::c_long], test: &str) {
    let mut command = child::command(test, CONF);
    // SAFETY: the function only makes system calls and allocates, in a child whose parent has one thread that matters.
    unsafe { command.pre_exec(|| forbid(calls)) };
    child::finish(command);
}

mod parts {
    use super::*;

    #[test]
    #[ignore = "run by other tests, in a process of its own"]
    fn scans() {
        let end = make();
        assert_holders(&scan(1), 0.97);
        drop(end);
    }

    #[test]
    #[ignore = "run by another test, in a process of its own"]
    fn says_that_nothing_is_recorded() {
        let report = scan(1);
        assert_eq!((&report.coverage, report.types.len()), (&None, 0));
        let reason = reason(&report, "coverage");
        assert!(reason.contains("prof:true"), "it says what to do: {reason}");
    }

    #[test]
    #[ignore = "run by another test, in a process of its own"]
    fn is_refused_because_it_is_stripped() {
        let end = make();
        let report = scan(1);
        assert_eq!(report.coverage, None);
        let reason = reason(&report, "coverage");
        assert!(
            reason.starts_with("the variables of jemalloc cannot be told apart from other variables: "),
            "{reason}"
        );
        assert!(reason.contains("it was stripped; keep the symbol table"), "{reason}");
        assert!(!reason.contains('/'), "paths stay in the process: {reason}");
        drop(end);
    }
}

#[test]
fn a_filter_that_kills_at_unusual_calls_does_not_hinder_a_scan() {
    run_without(&[libc::SYS_process_vm_readv, libc::SYS_setpriority], "parts::scans");
}

#[test]
fn a_stripped_program_is_refused_with_what_to_do() {
    let path = std::env::temp_dir().join(format!("memory-debug-holders-stripped-{}", std::process::id()));
    let mut strip = Command::new("strip");
    let stripped =
        strip.args(["--strip-all", "-o"]).arg(&path).arg(std::env::current_exe().unwrap()).status();
    assert!(stripped.unwrap().success());
    let mut command = child::command("parts::is_refused_because_it_is_stripped", CONF);
    let mut other = Command::new(&path);
    other.args(command.get_args());
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    std::mem::swap(&mut command, &mut other);
    child::finish(command);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn without_recorded_samples_the_report_says_why() {
    child::run("parts::says_that_nothing_is_recorded", "prof:false");
}
