//! Libraries that are loaded at run time: their allocations are never attributed to their caller.

use std::ffi::{CStr, CString, c_char, c_void};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use memory_debug_axum::{MemoryReport, RowSource};
use memory_debug_tests::Folder;

use crate::protobuf::Message;
use crate::shop;
use crate::snapshots::unpacked;

const UNLOADED: &str = "unknown code (unloaded)";

/// The bytes that plugins hold, in blocks that are each sampled.
const BLOCKS: usize = 64;
const BLOCK_BYTES: usize = 1 << 20;
const HELD_BYTES: u64 = (BLOCKS * BLOCK_BYTES) as u64;

/// Not optimised, so that its frame stays on the stack.
const SOURCE: &str = "#include <stddef.h>
static void *inner(void *(*allocate)(size_t), size_t size) { void *block = allocate(size); return block; }
void *NAME(void *(*allocate)(size_t), size_t size) { void *block = inner(allocate, size); return block; }
";

unsafe extern "C" {
    /// jemalloc's `malloc`, as a C library calls it where it has the usual name.
    fn _rjem_malloc(size: usize) -> *mut c_void;
}

type Make = unsafe extern "C" fn(unsafe extern "C" fn(usize) -> *mut c_void, usize) -> *mut c_void;

/// A library whose function `name` allocates.
struct Plugin {
    _folder: Folder,
    path: PathBuf,
    name: CString,
}

/// A loaded library.
struct Loaded(*mut c_void);

impl Plugin {
    fn build(name: &str, options: &[&str]) -> Self {
        let folder = Folder::within(env!("CARGO_TARGET_TMPDIR"), name);
        let (source, path) = (folder.path().join("plugin.c"), folder.path().join("plugin.so"));
        fs::write(&source, SOURCE.replace("NAME", name)).unwrap();
        let mut compile = Command::new("cc");
        compile
            .args(["-O0", "-fPIC", "-shared", "-Wl,--build-id", "-o"])
            .arg(&path)
            .arg(&source)
            .args(options);
        assert!(compile.status().expect("a C compiler is needed for this test").success());
        Self { _folder: folder, path, name: CString::new(name).unwrap() }
    }

    fn load(&self) -> Loaded {
        let path = CString::new(self.path.as_os_str().as_bytes()).unwrap();
        // SAFETY: dlopen(3) reads the path. The library has no code that runs when it is loaded.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "{:?}", last_error());
        Loaded(library)
    }

    /// Allocates in the plugin. The memory is never freed.
    #[inline(never)]
    fn fill(&self, library: &Loaded) {
        // SAFETY: dlsym(3) of a loaded library.
        let make = unsafe { libc::dlsym(library.0, self.name.as_ptr().cast::<c_char>()) };
        assert!(!make.is_null(), "{:?}", last_error());
        // SAFETY: the function has this type in the source above.
        let make: Make = unsafe { std::mem::transmute(make) };
        for _ in 0..BLOCKS {
            // SAFETY: jemalloc's `malloc` accepts any size.
            assert!(!unsafe { make(_rjem_malloc, BLOCK_BYTES) }.is_null());
        }
    }
}

impl Loaded {
    fn unload(self) {
        // SAFETY: nothing uses the library any more.
        assert_eq!(unsafe { libc::dlclose(self.0) }, 0);
    }
}

fn last_error() -> CString {
    // SAFETY: dlerror(3) returns a pointer and touches nothing else.
    let message = unsafe { libc::dlerror() };
    // SAFETY: there was an error, so the text ends in a NUL byte, and it is valid until the next call.
    unsafe { CStr::from_ptr(message) }.to_owned()
}

fn is_mapped(path: &Path) -> bool {
    fs::read_to_string("/proc/self/maps").unwrap().contains(path.to_str().unwrap())
}

/// The bytes of the rows with `text` in their names.
fn held_by(report: &MemoryReport, text: &str) -> u64 {
    let rows = report.types.iter().flat_map(|types| &types.rows).filter(|row| row.source != RowSource::Exact);
    rows.filter(|row| row.type_name.contains(text)).map(|row| row.bytes).sum()
}

async fn by(group: &str) -> MemoryReport {
    shop::get(&format!("/debug/memory/types?format=json&top=1000&group={group}")).await.report()
}

/// Asserts that these are about all bytes that the plugin holds.
#[track_caller]
fn assert_all(bytes: u64, what: &str) {
    assert!(bytes > HELD_BYTES * 9 / 10, "{what}: {bytes}");
}

#[track_caller]
fn assert_little(bytes: u64, what: &str) {
    assert!(bytes < HELD_BYTES / 10, "{what}: {bytes}");
}

/// Asserts that every view and export shows the code as unloaded and never as its caller.
async fn assert_shown_as_unloaded() {
    for group in ["container", "element", "function", "crate", "traceback"] {
        let report = by(group).await;
        assert_all(held_by(&report, UNLOADED), group);
        if group != "traceback" {
            assert_little(held_by(&report, "fill"), group);
        }
    }
    let json = shop::get("/debug/memory/heap?format=json&top=1").await;
    let text = shop::get("/debug/memory/heap?format=text&top=1").await.text().to_owned();
    let collapsed = shop::get("/debug/memory/heap?format=collapsed").await.text().to_owned();
    let flamegraph = shop::get("/debug/memory/heap/flamegraph").await.text().to_owned();
    for (what, body) in [
        ("json", json.text().to_owned()),
        ("text", text),
        ("collapsed", collapsed),
        ("flame graph", flamegraph),
    ] {
        assert!(body.contains(UNLOADED), "{what}: {body}");
    }
    let profile = unpacked(&shop::get("/debug/memory/heap").await);
    let profile = Message::parse(&profile);
    assert!(profile.strings().iter().any(|text| text == UNLOADED));
}

#[test]
fn memory_of_an_unloaded_plugin_is_shown_as_unknown_code() {
    shop::alone("plugins::memory_of_an_unloaded_plugin_is_shown_as_unknown_code", async {
        let plugin = Plugin::build("first_plugin", &[]);
        let library = plugin.load();
        plugin.fill(&library);
        library.unload();
        assert!(!is_mapped(&plugin.path), "the plugin is unloaded");
        assert_shown_as_unloaded().await;
    });
}

#[test]
fn memory_of_a_plugin_is_not_attributed_to_the_plugin_that_replaced_it() {
    shop::alone("plugins::memory_of_a_plugin_is_not_attributed_to_the_plugin_that_replaced_it", async {
        let (first, second) = (Plugin::build("first_plugin", &[]), Plugin::build("second_plugin", &[]));
        let library = first.load();
        first.fill(&library);
        assert_all(held_by(&by("traceback").await, "first_plugin"), "while it is loaded");
        library.unload();
        let other = second.load();
        assert!(is_mapped(&second.path) && !is_mapped(&first.path));
        assert_shown_as_unloaded().await;
        assert_little(held_by(&by("traceback").await, "second_plugin"), "it has allocated nothing");
        other.unload();
        assert_shown_as_unloaded().await;
        // Loaded at the same address again, it has its names again.
        let library = first.load();
        let report = by("traceback").await;
        let (named, unloaded) = (held_by(&report, "first_plugin"), held_by(&report, UNLOADED));
        assert_all(named + unloaded, "at the same address or elsewhere");
        library.unload();
    });
}

/// Asserts the text of the page, the doctor and the exports about a gap of a library, while the program has
/// all its names.
async fn with_gap(expected: &str, advice: &str) {
    let types = shop::types().await.types.unwrap();
    assert_eq!(types.symbols.as_deref(), Some("inlined"));
    let [gap] = &types.symbol_gaps[..] else { panic!("{:?}", types.symbol_gaps) };
    assert_eq!((gap.reason.as_str(), gap.file.as_str(), gap.is_program), (expected, "plugin.so", false));
    let page = shop::get("/debug/memory").await;
    assert!(page.text().contains(&format!("note: {expected}: {advice}")), "{page}");
    let doctor = shop::get("/debug/memory/doctor").await;
    assert!(doctor.text().contains(&format!("some code has no symbols: {expected}")), "{doctor}");
    let profile = unpacked(&shop::get("/debug/memory/heap").await);
    let comment = Message::parse(&profile).strings().into_iter().find(|text| text.starts_with(expected));
    assert!(comment.is_some_and(|comment| comment.contains(advice)), "a comment of the profile");
}

#[test]
fn a_stripped_plugin_is_reported_although_the_program_is_not_stripped() {
    shop::alone("plugins::a_stripped_plugin_is_reported_although_the_program_is_not_stripped", async {
        let plugin = Plugin::build("exported_plugin", &["-s"]);
        let library = plugin.load();
        plugin.fill(&library);
        let traceback = by("traceback").await;
        assert_all(held_by(&traceback, "code without symbols in plugin.so"), "what is not exported");
        assert_all(held_by(&traceback, "exported_plugin"), "what is exported");
        with_gap("plugin.so is stripped", "install its debug information").await;
        library.unload();
    });
}

#[test]
fn a_plugin_whose_file_was_deleted_has_its_names_or_a_reason() {
    shop::alone("plugins::a_plugin_whose_file_was_deleted_has_its_names_or_a_reason", async {
        let plugin = Plugin::build("deleted_plugin", &[]);
        let library = plugin.load();
        plugin.fill(&library);
        fs::remove_file(&plugin.path).unwrap();
        let traceback = by("traceback").await;
        // Privileged processes read a deleted file through the kernel.
        if held_by(&traceback, "deleted_plugin") == 0 {
            assert_all(held_by(&traceback, "code without symbols in plugin.so"), "a frame of its own");
            let reason = "plugin.so could not be read: it was deleted or replaced since it was loaded";
            with_gap(reason, "restart the service").await;
        }
        library.unload();
    });
}
