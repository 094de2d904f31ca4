//! A program whose allocator is jemalloc and that records every allocation.
//!
//! All tests share one process, one heap profile and one set of statistics, so they take turns.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::ffi::CString;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use memory_debug_core::__private::ThreadCounters;
use memory_debug_core::{
    Collector, MemoryReport, OptionValue, RowSource, Scope, Tracked, Unwinder, UnwinderState,
    spawn_collecting, summary,
};
use memory_debug_profile::{
    FileData, HeapProfile, Mapping, Selection, SymbolTier, TypeAttributor, UnstrippedCopies,
};
use tikv_jemalloc_ctl::raw;

memory_debug_core::install!(lg_prof_sample = 0);

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn collect(scope: Scope) -> MemoryReport {
    spawn_collecting(move || Collector::new().collect(scope).report).unwrap().join().unwrap()
}

/// A size class of jemalloc that nothing else here uses, so that its samples can be found in a dump.
const DISTINCTIVE: usize = 5 << 20;

/// The text of a dump that is written to a file in the ordinary way.
fn dump() -> String {
    let path = std::env::temp_dir().join(format!("memory-debug-test-{}.heap", std::process::id()));
    let name: &'static [u8] = CString::new(path.to_str().unwrap()).unwrap().into_bytes_with_nul().leak();
    raw::write_str(b"prof.dump\0", name).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    text
}

fn distinctive_is_in(dump: &str) -> bool {
    dump.contains(&format!("1: {DISTINCTIVE} ["))
}

fn epoch() -> u64 {
    // SAFETY: the manual gives `epoch` the type uint64_t.
    unsafe { raw::read(b"epoch\0") }.unwrap()
}

#[test]
fn p4_a_collector_reads_nothing_until_it_collects() {
    let _turn = turn();
    let fds = || fs::read_dir("/proc/self/fd").unwrap().count();
    let collecting_threads = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.filter(|name| name.trim() == "memory-debug").count()
    };
    let before = (fds(), collecting_threads(), epoch());
    let collector = black_box(Collector::new().service("shop", "1.0.0"));
    assert_eq!((fds(), collecting_threads(), epoch()), before);
    collector.collect(Scope::Stats);
    assert!(epoch() > before.2, "collecting does advance the epoch");
}

#[test]
fn all_numbers_are_from_one_current_epoch() {
    let _turn = turn();
    let before = collect(Scope::Stats).allocator.unwrap();
    let held = black_box(vec![1_u8; 64 << 20]);
    let after = collect(Scope::Stats).allocator.unwrap();
    drop(held);
    assert!(
        after.allocated_bytes >= before.allocated_bytes.map(|bytes| bytes + (60 << 20)),
        "{before:?} {after:?}"
    );
    assert!(after.allocated_bytes <= after.active_bytes, "{after:?}");
    assert!(after.active_bytes <= after.resident_bytes, "{after:?}");
    assert_eq!(after.name, "jemalloc");
    assert_eq!(after.version.unwrap().split('.').count(), 3);
    assert!(after.arenas > Some(0));
}

#[test]
fn every_number_is_in_the_report() {
    let _turn = turn();
    let report = collect(Scope::Stats);
    let missing: Vec<_> =
        report.unavailable.iter().filter(|(path, _)| path.starts_with("allocator")).collect();
    assert_eq!(missing, []);
    let options = report.allocator.unwrap().options;
    assert_eq!(options["opt.lg_prof_sample"], OptionValue::Number(0));
    assert_eq!(options["opt.prof_active"], OptionValue::Bool(true));
    assert!(matches!(options["opt.thp"], OptionValue::Text(_)));
    assert!(matches!(options["opt.dirty_decay_ms"], OptionValue::Number(_)));
}

#[test]
fn install_turned_sampling_on_from_the_start() {
    let _turn = turn();
    let report = collect(Scope::Stats);
    let profiling = report.allocator.unwrap().profiling;
    assert_eq!(
        (profiling.compiled, profiling.enabled, profiling.active),
        (Some(true), Some(true), Some(true))
    );
    assert_eq!(profiling.sample_bytes, Some(1));
    assert!(profiling.active_since.is_some());
    assert_eq!(profiling.active_since, report.instance.started_at);
    assert_eq!(profiling.unwinder, Some(UnwinderState::new(Unwinder::Libgcc)), "no other was asked for");
}

#[test]
fn the_table_covers_what_is_allocated() {
    let _turn = turn();
    let held = black_box(vec![1_u8; DISTINCTIVE]);
    let report = collect(Scope::Types);
    drop(held);
    assert_eq!(report.unavailable.get("types"), None);
    assert!(report.allocator.is_none() && report.process.is_none(), "not asked for");
    let types = report.types.unwrap();
    assert_eq!((types.sample_bytes, types.active_since), (Some(1), report.instance.started_at));
    assert!(types.total_bytes >= Some(DISTINCTIVE as u64), "{:?}", types.total_bytes);
}

#[test]
fn allocations_of_a_collecting_thread_are_not_in_the_profile() {
    let _turn = turn();
    let hold_and_dump = || {
        let held = black_box(vec![1_u8; DISTINCTIVE]);
        let dump = dump();
        drop(held);
        dump
    };
    let collecting = spawn_collecting(hold_and_dump).unwrap().join().unwrap();
    assert!(collecting.starts_with("heap_v2/1\n"), "every allocation is recorded");
    assert!(!distinctive_is_in(&collecting));
    // Without this the assertion above could hold for a wrong reason.
    assert!(distinctive_is_in(&thread::spawn(hold_and_dump).join().unwrap()));
}

#[test]
fn collecting_threads_use_one_arena_and_return_its_pages() {
    let _turn = turn();
    let work = || {
        // SAFETY: the manual gives `thread.arena` the type unsigned.
        let arena: u32 = unsafe { raw::read(b"thread.arena\0") }.unwrap();
        drop(black_box(vec![1_u8; 32 << 20]));
        (0..1000).for_each(|length| drop(black_box(vec![1_u8; length])));
        arena
    };
    let arena = spawn_collecting(work).unwrap().join().unwrap();
    assert_eq!(spawn_collecting(work).unwrap().join().unwrap(), arena);
    assert_ne!(thread::spawn(work).join().unwrap(), arena);
    epoch_advance();
    let pages = |kind: &str| {
        let name = format!("stats.arenas.{arena}.{kind}\0");
        // SAFETY: the manual gives `stats.arenas.<i>.pdirty` and `.pmuzzy` the type size_t.
        unsafe { raw::read::<usize>(name.as_bytes()) }.unwrap()
    };
    assert_eq!((pages("pdirty"), pages("pmuzzy")), (0, 0));
}

fn epoch_advance() {
    // SAFETY: the manual gives `epoch` the type uint64_t.
    unsafe { raw::write(b"epoch\0", 1_u64) }.unwrap();
}

#[test]
fn a_panic_leaves_the_arena_clean_and_the_next_collection_works() {
    let _turn = turn();
    let thread = spawn_collecting(|| {
        let _held = black_box(vec![1_u8; 8 << 20]);
        panic!("expected by the test");
    });
    assert!(thread.unwrap().join().is_err());
    assert!(collect(Scope::Stats).allocator.is_some());
}

/// A file that is read, and not mapped.
fn read(path: impl AsRef<Path>) -> io::Result<FileData> {
    Ok(Box::new(fs::read(path)?))
}

/// The path where the stripped program writes its profile.
const PROFILE: &str = "MEMORY_DEBUG_TEST_PROFILE";

struct Parcel(#[expect(dead_code, reason = "only its size matters")] [u64; 16]);

#[test]
#[ignore = "run by the test below, as a program of its own"]
fn writes_its_profile() {
    let _turn = turn();
    let parcels: Vec<_> = (0..1000).map(|number| Box::new(Parcel(black_box([number; 16])))).collect();
    let mut profile = HeapProfile::parse(dump().as_bytes()).unwrap();
    drop(parcels);
    profile.read_build_ids(&|mapping: &Mapping| read(&mapping.path));
    fs::write(std::env::var_os(PROFILE).unwrap(), serde_json::to_vec(&profile).unwrap()).unwrap();
}

#[test]
fn a_profile_of_a_stripped_program_is_symbolised_from_the_unstripped_one() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stripped-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (unstripped, stripped) = (std::env::current_exe().unwrap(), folder.join("service"));
    let strip = Command::new("strip").arg("--strip-all").arg("-o").arg(&stripped).arg(&unstripped).status();
    assert!(strip.expect("`strip` of the package binutils is needed for this test").success());
    let mut service = Command::new(&stripped);
    service.args(["--exact", "writes_its_profile", "--ignored"]).env(PROFILE, folder.join("profile.json"));
    assert!(service.output().unwrap().status.success());
    let profile: HeapProfile =
        serde_json::from_slice(&fs::read(folder.join("profile.json")).unwrap()).unwrap();
    fs::remove_dir_all(&folder).unwrap();

    let unstripped = unstripped.to_str().unwrap();
    let copies = UnstrippedCopies::new([read(unstripped).unwrap()]).unwrap();
    let mut attributor = TypeAttributor::new();
    let table = attributor.summarize(&profile, &copies, &Selection::default());
    assert_eq!(attributor.tier(), SymbolTier::Inlined);
    let row = table.entries.iter().find(|entry| entry.type_name == "Box<Parcel>").unwrap();
    assert_eq!((row.estimate.objects, row.estimate.bytes), (1000.0, 128_000.0));
    // As if the program had never been stripped.
    let live = |mapping: &Mapping| match mapping.path == stripped {
        true => read(unstripped),
        false => Err(io::ErrorKind::NotFound.into()),
    };
    assert_eq!(TypeAttributor::new().summarize(&profile, &live, &Selection::default()), table);
}

#[test]
fn tracked_types_are_counted_exactly() {
    struct Order(#[expect(dead_code, reason = "only its size matters")] [u64; 5]);

    let _turn = turn();
    let orders: Vec<_> = (0..1000).map(|_| Tracked::new(Order([0; 5]))).collect();
    let report = collect(Scope::Types);
    let rows = report.types.expect("at least the exact rows").rows;
    let row = rows.iter().find(|row| row.source == RowSource::Exact && row.type_name == "Order").unwrap();
    assert_eq!((row.objects, row.bytes), (1000, 40_000));
    drop(orders);
    let row =
        summary().rows.into_iter().find(|row| row.source == RowSource::Exact && row.type_name == "Order");
    assert_eq!(row.unwrap().objects, 0);
}

#[test]
fn the_counters_of_a_thread_count_exactly_its_own_bytes() {
    const MIB: usize = 1 << 20;
    let _turn = turn();
    let begin = AtomicBool::new(false);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !begin.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            drop(black_box(vec![1_u8; 64 * MIB]));
            done.store(true, Ordering::Release);
        });
        let counters = ThreadCounters::of_this_thread().unwrap();
        let before = counters.read();
        begin.store(true, Ordering::Release);
        while !done.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
        assert_eq!(counters.read(), before, "the bytes of another thread");
        let held = black_box(vec![1_u8; 3 * MIB]);
        let (allocated, freed) = counters.read();
        assert_eq!((allocated - before.0, freed - before.1), (3 * MIB as u64, 0));
        drop(held);
        assert_eq!(counters.read().1 - before.1, 3 * MIB as u64);
    });
}
