//! The heap profile as jemalloc dumps it, without touching a disk if possible.
//!
//! `prof.dump` takes a path, which it opens with `creat(path, 0644)` (jemalloc 5.3.1, `prof_sys.c`). Linux opens
//! a file without a name through `/proc/self/fd/<n>`. So the dump goes to a memory file that no other process
//! can find.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

#[cfg(target_os = "linux")]
use crate::kernel_file;
use crate::{file_size, mallctl};

/// A dump that frees each of its parts after the part was read.
pub(crate) struct Dump {
    /// Length of the dump, in bytes.
    pub(crate) bytes: u64,
    reader: BufReader<Consumed>,
}

impl Dump {
    /// The dump as a stream, to be read once.
    pub(crate) fn reader(self) -> impl BufRead {
        self.reader
    }
}

/// A file that frees its blocks while they are read. A dump of many stacks is as large as the profile that is read
/// from it, and otherwise both would be in memory at once.
struct Consumed {
    file: File,
    read: u64,
    given_back: u64,
}

/// How many bytes are freed at a time.
const STEP: u64 = 1 << 20;

impl Read for Consumed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read = self.read.saturating_add(count as u64);
        let read = self.read.saturating_sub(self.given_back);
        if read >= STEP {
            disk::give_back(&self.file, self.given_back, read);
            self.given_back = self.read;
        }
        Ok(count)
    }
}

/// Asks jemalloc for its heap profile (format `heap_v2`) and returns it as a stream.
///
/// Threads that allocate with a new stack wait for a moment while jemalloc collects; nothing else stops. The
/// dump has memory addresses and the paths of mapped files in it, so it must not leave the process unchanged.
///
/// # Errors
///
/// If no file could be created, or jemalloc could not write to it.
pub(crate) fn read_dump() -> Result<Dump, String> {
    let file = unnamed_file()?;
    let path = CString::new(path_of(&file)?).expect("a number and a fixed path have no NUL");
    write(&file, &path, "by its path in /proc/self/fd")?;
    let bytes = file.metadata().map_err(|error| format!("the heap profile's length: {error}"))?.len();
    // jemalloc wrote through an open file of its own, so this one is still at the start.
    let consumed = Consumed { file, read: 0, given_back: 0 };
    Ok(Dump { bytes, reader: BufReader::with_capacity(64 << 10, consumed) })
}

/// Writes jemalloc's heap profile to a new file at `path`, and returns its length. Takes no memory but a copy of the path.
///
/// # Errors
///
/// If there is a file already, or the dump could not be written completely. No file is left then.
pub(crate) fn write_dump(path: &Path) -> Result<u64, String> {
    let unusable = |error: io::Error| format!("no file for the heap profile: {error}");
    let named = path_for_jemalloc(path).map_err(unusable)?;
    // jemalloc would make a file that others can read, but it keeps the mode of a file that is there.
    let file = disk::private_file(path).map_err(unusable)?;
    let written = write(&file, &named, "by its path").and_then(|()| file.metadata().map_err(unusable));
    if written.is_err() {
        // The disk may be full, and the incomplete file would still take room on it.
        let _ = std::fs::remove_file(path);
    }
    written.map(|metadata| metadata.len())
}

#[cfg(unix)]
fn path_for_jemalloc(path: &Path) -> io::Result<CString> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

#[cfg(not(unix))]
fn path_for_jemalloc(_path: &Path) -> io::Result<CString> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets jemalloc write its dump to `path`, which leads to `file`. `way` says how, for the message.
fn write(file: &File, path: &CStr, way: &str) -> Result<(), String> {
    file_size::without_signal(|| {
        mallctl::dump_profile(path).map_err(|error| {
            let cause = if error.is_of_side_effects() {
                format!(
                    "it could not open or write the file that it was given, {way}; raise the limits on open files and \
                     memory, and let the process open its own files there"
                )
            } else {
                error.to_string()
            };
            format!("jemalloc wrote no heap profile: {cause}")
        })?;
        disk::has_room(file).map_err(|error| {
            format!("no room for the whole heap profile: {error}; raise the limits on files and memory")
        })
    })
}

fn unnamed_file() -> Result<File, String> {
    memory_file().or_else(|memory| {
        disk::file_without_name(&std::env::temp_dir()).map_err(|disk| {
            format!(
                "no file for the heap profile: a memory file was refused ({}), and so was one in the folder for \
                 temporary files ({}); allow memfd_create, make that folder writable, or raise the limit on open files",
                reason(&memory),
                reason(&disk)
            )
        })
    })
}

/// The kind of an error, or its text if the kind says nothing, for example when all file descriptors are in use.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.to_string(),
        None => error.kind().to_string(),
    }
}

#[cfg(target_os = "linux")]
fn memory_file() -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};

    Ok(memfd_create("memory-debug", MemfdFlags::CLOEXEC)?.into())
}

/// A path by which this thread can open the file again.
///
/// # Errors
///
/// If `/proc` is missing, or belongs to another process.
#[cfg(target_os = "linux")]
fn path_of(file: &File) -> Result<String, String> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let own = file.metadata().map(identity).ok();
    // After the main thread has ended, `self` has no files.
    let paths = ["self", "thread-self"].map(|process| format!("/proc/{process}/fd/{}", file.as_raw_fd()));
    let leads_there = |path: &String| own.is_some() && std::fs::metadata(path).map(identity).ok() == own;
    paths.into_iter().find(leads_there).ok_or_else(|| {
        let reason = kernel_file::proc_reason(Path::new("/proc"), || {
            "/proc/self/fd does not lead to the files of this process: let the process open them, or mount /proc \
             again"
                .into()
        });
        format!("jemalloc can write its heap profile only to a path, which is in /proc/self/fd, but {reason}")
    })
}

#[cfg(target_os = "linux")]
mod disk {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{FileExt, OpenOptionsExt};
    use std::path::Path;

    /// Checks that one more byte fits. If a write was cut short for lack of room, jemalloc takes it for a complete
    /// write (5.3.1, `prof_dump_flush`). One more byte does not fit then, either.
    pub(super) fn has_room(file: &File) -> io::Result<()> {
        let length = file.metadata()?.len();
        file.write_all_at(b"\n", length)?;
        file.set_len(length)
    }

    /// Frees the blocks of a part that is no longer needed. A file system that cannot do that keeps them.
    pub(super) fn give_back(file: &File, offset: u64, length: u64) {
        use rustix::fs::{FallocateFlags, fallocate};

        let _refused =
            fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, length);
    }

    /// A file that only its owner can open, created under an unguessable name and unlinked at once.
    pub(super) fn file_without_name(folder: &Path) -> io::Result<File> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let path = folder.join(format!("memory-debug-{:032x}", u128::from_be_bytes(random)));
        let file = private_file(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }

    /// A new file that only its owner can open.
    pub(super) fn private_file(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
    }
}

#[cfg(not(target_os = "linux"))]
fn memory_file() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn path_of(_file: &File) -> Result<String, String> {
    Err("heap profiles are read on Linux only".into())
}

#[cfg(not(target_os = "linux"))]
mod disk {
    pub(super) fn file_without_name(_folder: &std::path::Path) -> std::io::Result<std::fs::File> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(super) fn private_file(_path: &std::path::Path) -> std::io::Result<std::fs::File> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(super) fn has_room(_file: &std::fs::File) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(super) fn give_back(_file: &std::fs::File, _offset: u64, _length: u64) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;
    #[cfg(feature = "jemalloc")]
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn s45_the_fallback_file_is_private_and_leaves_no_name() {
        let folder = std::env::temp_dir().join(format!("memory-debug-dump-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let file = disk::file_without_name(&folder).unwrap();
        let names = fs::read_dir(&folder).unwrap().count();
        fs::remove_dir(&folder).unwrap();
        assert_eq!(names, 0);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn reads_from_the_start_what_was_written_through_the_path() {
        for mut file in [memory_file().unwrap(), disk::file_without_name(&std::env::temp_dir()).unwrap()] {
            // Like `creat`, this opens the file again for writing and empties it.
            File::create(path_of(&file).unwrap()).unwrap().write_all(b"heap_v2/1").unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, "heap_v2/1");
        }
    }

    #[test]
    fn s45_reading_a_dump_frees_its_blocks() {
        use std::os::unix::fs::MetadataExt;

        let file = memory_file().unwrap();
        let text: Vec<u8> = (0..5 * STEP).map(|at| at as u8).collect();
        (&file).write_all(&text).unwrap();
        // A second handle has its own position in the file, like jemalloc's handle.
        let read = File::open(path_of(&file).unwrap()).unwrap();
        let mut consumed = Consumed {
            file: File::options().read(true).write(true).open(path_of(&file).unwrap()).unwrap(),
            read: 0,
            given_back: 0,
        };
        let mut again = Vec::new();
        consumed.by_ref().take(3 * STEP).read_to_end(&mut again).unwrap();
        assert!(read.metadata().unwrap().blocks() * 512 <= 3 * STEP, "{:?}", read.metadata());
        consumed.read_to_end(&mut again).unwrap();
        assert_eq!((again == text, read.metadata().unwrap().len()), (true, 5 * STEP));
        assert!(read.metadata().unwrap().blocks() * 512 <= STEP);
    }

    #[test]
    fn checking_for_room_changes_nothing() {
        let mut file = memory_file().unwrap();
        disk::has_room(&file).unwrap();
        file.write_all(b"heap_v2/1").unwrap();
        disk::has_room(&file).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 9);
    }

    #[test]
    fn s45_a_dump_without_room_for_one_more_byte_may_be_incomplete() {
        // Every write to it fails, as on a full disk.
        let full = File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(disk::has_room(&full).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let error = disk::file_without_name(Path::new("/proc/self")).unwrap_err();
        assert!(error.raw_os_error().is_some());
    }

    /// The allocator of a unit test is not jemalloc, but jemalloc is linked and its profiler can be enabled at
    /// start. So the test below runs this test in a process of its own.
    #[cfg(feature = "jemalloc")]
    #[test]
    #[ignore = "needs the profiler enabled at start"]
    fn reads_the_dump_in_a_process_with_a_profiler() {
        let mut dump = String::new();
        let read = read_dump().unwrap();
        let bytes = read.bytes;
        read.reader().read_to_string(&mut dump).unwrap();
        assert_eq!(bytes, dump.len() as u64);
        assert!(dump.starts_with("heap_v2/524288\n"), "{dump}");
        assert!(dump.contains("\nMAPPED_LIBRARIES:\n"), "{dump}");
    }

    #[cfg(feature = "jemalloc")]
    #[test]
    fn s45_the_dump_needs_no_folder_for_temporary_files() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "jemalloc::dump::tests::reads_the_dump_in_a_process_with_a_profiler",
                "--ignored",
            ])
            .env("_RJEM_MALLOC_CONF", "prof:true")
            .env("TMPDIR", "/proc/self")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && output.contains("1 passed"), "{output}");
    }

    #[cfg(feature = "jemalloc")]
    #[test]
    #[ignore = "needs the profiler enabled at start"]
    fn writes_the_dump_in_a_process_with_a_profiler() {
        let path = PathBuf::from(std::env::var_os("MEMORY_DEBUG_DUMP").unwrap());
        let bytes = write_dump(&path).unwrap();
        let dump = fs::read_to_string(&path).unwrap();
        assert_eq!(bytes, dump.len() as u64);
        assert!(dump.starts_with("heap_v2/524288\n") && dump.contains("\nMAPPED_LIBRARIES:\n"), "{dump}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_dump(&path).is_err(), "a file that exists is not written over");
        assert_eq!(fs::read_to_string(&path).unwrap(), dump);
    }

    #[cfg(feature = "jemalloc")]
    #[test]
    fn s45_a_dump_in_a_folder_is_complete_and_private() {
        let path = std::env::temp_dir().join(format!("memory-debug-raw-{}", std::process::id()));
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "jemalloc::dump::tests::writes_the_dump_in_a_process_with_a_profiler",
                "--ignored",
            ])
            .env("_RJEM_MALLOC_CONF", "prof:true")
            .env("MEMORY_DEBUG_DUMP", &path)
            .output()
            .unwrap();
        let _ = fs::remove_file(path);
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && output.contains("1 passed"), "{output}");
    }

    #[test]
    fn a_dump_that_fails_leaves_no_file() {
        let path = std::env::temp_dir().join(format!("memory-debug-no-raw-{}", std::process::id()));
        assert!(write_dump(&path).is_err(), "there is no profiler");
        assert!(!path.exists());
        assert!(
            write_dump(Path::new("/nonexistent/dump"))
                .unwrap_err()
                .starts_with("no file for the heap profile")
        );
    }

    #[test]
    fn without_a_profiler_there_is_a_reason_and_no_panic() {
        let reason = read_dump().err().unwrap();
        assert!(reason.starts_with("jemalloc wrote no heap profile: mallctl prof.dump: "), "{reason}");
    }
}
