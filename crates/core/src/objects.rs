//! The program and its libraries, as the dynamic linker sees them in memory.
//!
//! The linker's list needs neither `/proc` nor any file, and is right where both mislead. For a program that was
//! started through the dynamic linker (`ld-linux-x86-64.so.2 ./service`), `/proc/self/exe` is the linker, and
//! `/proc/self/auxv` has the linker's entries.

use std::ops::Range;

use memory_debug_profile::BuildId;

#[cfg(target_os = "linux")]
use crate::fork::NoFork;

/// A program or library that is loaded in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoadedObject {
    /// The addresses of its executable segments.
    pub(crate) code: Vec<Range<u64>>,
    /// The build-id from its notes in memory. `None` if its linker wrote none.
    pub(crate) build_id: Option<BuildId>,
    /// The address in memory of link-time address 0.
    pub(crate) base: u64,
    /// The addresses of its writable segments: its static variables.
    pub(crate) writable: Vec<Range<u64>>,
    /// The addresses of its constants: segments without code that are read-only, at the latest after the linker has
    /// filled in addresses.
    pub(crate) constants: Vec<Range<u64>>,
    /// The addresses of the calling thread's instances of its thread-local variables. `None` if it has none, or the thread
    /// has not used them yet.
    pub(crate) thread_locals: Option<Range<u64>>,
}

impl LoadedObject {
    /// Whether some of its code is in `addresses`.
    pub(crate) fn overlaps(&self, addresses: Range<u64>) -> bool {
        self.code.iter().any(|code| code.start < addresses.end && addresses.start < code.end)
    }
}

/// Lists all loaded objects, the program first. The list is empty if the system has none.
///
/// Takes some microseconds, in which the dynamic linker does not load or unload anything, and the process does not
/// fork: glibc would leave its lock of the list locked in the child.
#[cfg(target_os = "linux")]
pub(crate) fn loaded_objects() -> Vec<LoadedObject> {
    let mut objects: Vec<LoadedObject> = Vec::new();
    let _no_fork = NoFork::begin();
    // SAFETY: dl_iterate_phdr(3) calls `add` on this thread before it returns. Each call gets a valid
    // `dl_phdr_info` and the pointer given here, to a vector that nothing else uses meanwhile.
    unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut objects).cast()) };
    objects
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn loaded_objects() -> Vec<LoadedObject> {
    Vec::new()
}

/// # Safety
///
/// Called only by dl_iterate_phdr(3); `objects` points to a `Vec<LoadedObject>` that nothing else uses.
#[cfg(target_os = "linux")]
unsafe extern "C" fn add(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    objects: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: the linker gives a pointer that is valid during the call.
    let info = unsafe { &*info };
    // SAFETY: the caller promises a vector that nothing else uses.
    let objects = unsafe { &mut *objects.cast::<Vec<LoadedObject>>() };
    let headers = match info.dlpi_phdr.is_null() {
        true => &[],
        // SAFETY: the linker keeps this many program headers there while the object is loaded, and it is loaded
        // now.
        false => unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) },
    };
    let of_kind = |kind| headers.iter().filter(move |header| header.p_type == kind);
    // `usize` has as many bits as addresses have.
    let start = |header: &Header| (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
    let range = |header: &Header, size: usize| start(header)..start(header).saturating_add(size);
    let memory = |header: &Header| {
        let Range { start, end } = range(header, header.p_memsz as usize);
        start as u64..end as u64
    };
    let has = |header: &Header, flag: u32| header.p_flags & flag != 0;
    let segments = |is_wanted: fn(bool, bool) -> bool| {
        let is_wanted = move |header: &&Header| is_wanted(has(header, libc::PF_X), has(header, libc::PF_W));
        of_kind(libc::PT_LOAD).filter(is_wanted).map(memory).collect()
    };
    let mut constants: Vec<_> = segments(|is_code, is_writable| !is_code && !is_writable);
    constants.extend(of_kind(libc::PT_GNU_RELRO).map(memory));
    let build_id = of_kind(libc::PT_NOTE).find_map(|header| {
        let notes = range(header, header.p_filesz as usize);
        let is_readable = of_kind(libc::PT_LOAD).filter(|load| load.p_flags & libc::PF_R != 0).any(|load| {
            let load = range(load, load.p_filesz as usize);
            load.start <= notes.start && notes.end <= load.end
        });
        if !is_readable || notes.is_empty() {
            return None;
        }
        // SAFETY: the range is in a readable segment, which stays mapped during this call. Notes are constants.
        let notes = unsafe { std::slice::from_raw_parts(notes.start as *const u8, notes.len()) };
        BuildId::from_notes(notes, header.p_align as usize)
    });
    let template = of_kind(libc::PT_TLS).next().map(|header| header.p_memsz as usize as u64);
    let thread_locals = (!info.dlpi_tls_data.is_null()).then_some(info.dlpi_tls_data as u64).zip(template);
    objects.push(LoadedObject {
        code: segments(|is_code, _| is_code),
        build_id,
        base: info.dlpi_addr as usize as u64,
        writable: segments(|_, is_writable| is_writable),
        constants,
        thread_locals: thread_locals.map(|(start, bytes)| start..start.saturating_add(bytes)),
    });
    0
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
type Header = libc::Elf64_Phdr;
#[cfg(all(target_os = "linux", target_pointer_width = "32"))]
type Header = libc::Elf32_Phdr;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_program_comes_first_with_this_code_and_its_build_id() {
        let objects = loaded_objects();
        let here = loaded_objects as *const () as u64;
        assert!(objects[0].overlaps(here..here + 1), "{objects:x?}");
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(objects[0].build_id, BuildId::read(&file).unwrap());
        assert!(objects[0].build_id.is_some(), "the test is built with a build-id");
    }

    #[test]
    fn the_program_has_its_statics_constants_and_thread_locals_where_they_are() {
        use std::cell::Cell;
        use std::sync::atomic::AtomicU64;

        static WRITABLE: AtomicU64 = AtomicU64::new(1);
        static CONSTANT: &str = "constant";
        thread_local! {
            static LOCAL: Cell<u64> = const { Cell::new(1) };
        }
        let program = &loaded_objects()[0];
        let is_in = |ranges: &[Range<u64>], at: u64| ranges.iter().any(|range| range.contains(&at));
        let writable = (&raw const WRITABLE) as u64;
        assert!(is_in(&program.writable, writable) && !is_in(&program.constants, writable), "{program:x?}");
        assert!(is_in(&program.constants, CONSTANT.as_ptr() as u64), "{program:x?}");
        let local = LOCAL.with(|local| local.as_ptr() as u64);
        assert!(program.thread_locals.as_ref().unwrap().contains(&local), "{local:x} {program:x?}");
        std::thread::spawn(|| {
            let local = LOCAL.with(|local| local.as_ptr() as u64);
            assert!(loaded_objects()[0].thread_locals.as_ref().unwrap().contains(&local));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn libraries_have_code_elsewhere_and_build_ids_of_their_own() {
        let objects = loaded_objects();
        let (program, libraries) = objects.split_first().unwrap();
        assert!(!libraries.is_empty(), "the C library is a library");
        for library in libraries {
            assert!(!library.code.iter().any(|code| program.overlaps(code.clone())), "{library:x?}");
            assert!(library.build_id.is_none() || library.build_id != program.build_id);
        }
    }
}
