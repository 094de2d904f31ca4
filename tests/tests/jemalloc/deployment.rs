//! The same program in different deployments: without symbols, with another jemalloc configuration, without a
//! temporary folder, replaced on disk while it runs. In every case the page answers and says what to do.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use memory_debug_axum::RowSource;
use memory_debug_tests::{Folder, OwnProcess};

use crate::secrets::assert_no_address;
use crate::shop;

/// The test that the other processes run.
const SHOW: &str = "deployment::shows_a_known_population";

/// Set if the process must remove its own executable first.
const REMOVE_ITSELF: &str = "MEMORY_DEBUG_TEST_REMOVES_ITSELF";

struct Parcel(#[expect(dead_code, reason = "only its size matters")] [u64; 16]);

#[tokio::test]
#[ignore = "part of the tests of this module, which set the stage for it"]
async fn shows_a_known_population() {
    if std::env::var_os(REMOVE_ITSELF).is_some() {
        fs::remove_file(std::env::current_exe().unwrap()).unwrap();
    }
    let mut parcels = Vec::with_capacity(1 << 16);
    (0..1 << 16).for_each(|number| parcels.push(Box::new(Parcel(black_box([number; 16])))));
    println!("{}", shop::get("/debug/memory").await.text());
    println!("{}", shop::get("/debug/memory/stats").await.text());
    let types = shop::types().await.types;
    let attributed =
        types.iter().flat_map(|types| &types.rows).filter(|row| row.source == RowSource::Sampled).count();
    println!("attributed rows: {attributed}");
    assert_no_address(&format!("{types:?}"));
    drop(parcels);
}

/// A folder on a file system with space for a copy of this program.
fn folder(name: &str) -> Folder {
    Folder::within(env!("CARGO_TARGET_TMPDIR"), name)
}

/// Copies this program, and runs `strip` with the options if there are any.
fn executable(folder: &Folder, strip: &[&str]) -> PathBuf {
    let copy = folder.path().join("service");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    if !strip.is_empty() {
        let stripped = Command::new("strip").args(strip).arg(&copy).status();
        let stripped = stripped.expect("`strip` is needed for this test; it is part of the package binutils");
        assert!(stripped.success());
    }
    copy
}

/// Asserts that the page has the row of the population.
fn assert_shows_population(page: &str) {
    let row = page.lines().find(|line| line.trim_start().starts_with("Box<Parcel> |"));
    assert!(row.is_some_and(|row| row.contains(" MiB |")), "{page}");
}

#[test]
fn a_binary_with_line_tables_shows_types_without_advice() {
    let page = OwnProcess::of(SHOW).run();
    assert_shows_population(&page);
    assert!(page.contains("symbols: inlined (line tables)"), "{page}");
    assert!(
        !page.contains("Cargo.toml"),
        "the binary has line tables, so there is no advice about them: {page}"
    );
}

#[test]
fn page_says_what_to_change_for_stripped_binary() {
    let folder = folder("stripped");
    let page = OwnProcess::with_executable(executable(&folder, &["--strip-all"]), SHOW).run();
    assert!(page.contains("symbols: none"), "{page}");
    assert!(page.contains("debug = \"line-tables-only\"") && page.contains("strip = false"), "{page}");
    assert!(page.contains("[profile.release] in Cargo.toml"), "{page}");
    assert!(page.contains("unattributed 100.0 %") && page.contains("attributed rows: 0"), "{page}");
}

#[test]
fn page_says_what_to_change_without_debug_information() {
    let folder = folder("without-debug");
    let page = OwnProcess::with_executable(executable(&folder, &["--strip-debug"]), SHOW).run();
    assert!(page.contains("symbols: functions"), "{page}");
    assert!(page.contains("add `debug = \"line-tables-only\"` to [profile.release] in Cargo.toml"), "{page}");
    assert!(!page.contains("strip = false"), "{page}");
}

#[test]
fn a_binary_that_was_replaced_while_it_runs_is_still_read() {
    let folder = folder("replaced");
    let page = OwnProcess::with_executable(executable(&folder, &[]), SHOW).env(REMOVE_ITSELF, "1").run();
    assert_shows_population(&page);
}

#[test]
fn s45_no_temporary_folder_is_needed() {
    for folder in ["/nonexistent/folder", "/proc/self", ""] {
        assert_shows_population(&OwnProcess::of(SHOW).env("TMPDIR", folder).run());
    }
}

#[test]
fn s45_no_temporary_file_remains() {
    let folder = folder("temporary");
    assert_shows_population(&OwnProcess::of(SHOW).env("TMPDIR", folder.path()).run());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_profiler_that_is_not_enabled_is_reported_with_the_setting_that_enables_it() {
    let page = OwnProcess::of(SHOW).env("_RJEM_MALLOC_CONF", "prof:false").run();
    assert!(page.contains("not available: heap profiling was not enabled at start"), "{page}");
    assert!(page.contains("_RJEM_MALLOC_CONF=prof:true,prof_active:true"), "{page}");
    assert!(page.contains("allocated"), "jemalloc's own counts are shown without the profiler: {page}");
}

#[test]
fn a_profiler_that_is_off_is_reported_with_the_switch_that_turns_it_on() {
    let page = OwnProcess::of(SHOW).env("_RJEM_MALLOC_CONF", "prof_active:false").run();
    assert!(page.contains("heap profiling is enabled but not active"), "{page}");
    assert!(page.contains("prof.active"), "{page}");
}

#[test]
fn a_profiler_that_records_everything_states_no_error() {
    let page = OwnProcess::of(SHOW).env("_RJEM_MALLOC_CONF", "lg_prof_sample:0").run();
    assert!(page.contains("every allocation recorded since process start"), "{page}");
    let row = page.lines().find(|line| line.trim_start().starts_with("Box<Parcel> |")).unwrap();
    let cells: Vec<_> = row.split('|').map(str::trim).collect();
    assert_eq!(cells, ["Box<Parcel>", "65,536", "8.00 MiB", "0 %"]);
}
