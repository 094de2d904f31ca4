//! Reads the memory of this process without ever touching an address itself.
//!
//! Other threads unmap memory at any time, so a plain load could end the process. The kernel reads instead, and says
//! where readable memory ends.
//!
//! A write to a file in memory (memfd) copies many spans in one call, and takes no lock of the process for pages that are
//! there. `process_vm_readv` takes the lock of its mappings. If a thread of low priority is preempted meanwhile, each
//! `mmap` and `munmap` of the process waits for it: 16 to 28 ms on a busy machine. So it is only used without a memfd.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memory_debug_holders::Span;

use super::private_words::PrivateWords;
use crate::file_size::without_signal;
use crate::seccomp::is_filtered;

/// The most spans of one call of the kernel (`IOV_MAX`).
const MAX_SPANS: usize = 1024;

/// How memory is read.
#[derive(Debug)]
enum Way {
    /// `pwritev(2)` to a file in memory, and a read of that file.
    Copy(File),
    /// `process_vm_readv(2)` on the process itself.
    Call,
    /// One read of `/proc/self/mem` for each span.
    File(File),
}

/// Reads the memory of this process.
pub(super) struct Reader {
    way: Way,
    /// The spans of a call: the address and the length of each, as in a `struct iovec`.
    spans: PrivateWords,
}

impl Reader {
    /// Finds out how memory can be read. `root` is the folder where `/proc` is mounted.
    ///
    /// Under a filter of system calls (seccomp), only files of the kernel are tried: the filter may end the process
    /// instead of refusing an unusual call, and the kernel does not tell which.
    ///
    /// # Errors
    ///
    /// If memory cannot be read at all. The message says what was tried and what to do.
    pub(super) fn new(root: &Path) -> Result<Self, String> {
        let reason = match is_filtered(root) {
            true => "a filter of system calls (seccomp) may forbid process_vm_readv".to_owned(),
            false => match Self::copying().or_else(|_| Self::with(Way::Call)) {
                Ok(reader) => return Ok(reader),
                Err(error) => format!("process_vm_readv failed ({})", error.kind()),
            },
        };
        File::open(root.join("self/mem")).and_then(|file| Self::with(Way::File(file))).map_err(|error| {
            format!(
                "the process cannot read its own memory: {reason}, and reading /proc/self/mem failed ({}); permit one \
                 of them",
                error.kind()
            )
        })
    }

    /// Makes a reader that copies through a file in memory.
    fn copying() -> io::Result<Self> {
        let file = rustix::fs::memfd_create("memory-debug", rustix::fs::MemfdFlags::CLOEXEC)?;
        Self::with(Way::Copy(file.into()))
    }

    /// Makes a reader, and checks that it reads a known word.
    fn with(way: Way) -> io::Result<Self> {
        let mut reader = Self { way, spans: PrivateWords::new(2 * MAX_SPANS)? };
        let (known, mut copy) = ([0x5eed_5eed_u64], [0; 8]);
        reader.spans[0] = known.as_ptr() as u64;
        reader.spans[1] = 8;
        let copied = reader.read_noted(1, &mut copy)?;
        if copied == 8 && u64::from_ne_bytes(copy) == std::hint::black_box(known)[0] {
            Ok(reader)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    /// The addresses that the reader uses for itself.
    pub(super) fn addresses(&self) -> Range<u64> {
        self.spans.addresses()
    }

    /// Copies spans, one after another, up to the first byte that cannot be read or does not fit. Returns how many bytes
    /// it copied.
    pub(super) fn read(&mut self, spans: &[Span], into: &mut [u8]) -> usize {
        let mut copied = 0;
        for spans in spans.chunks(MAX_SPANS) {
            let room = into.len() - copied;
            let (mut noted, mut wanted) = (0, 0);
            for span in spans {
                let bytes = usize::try_from(span.bytes).unwrap_or(usize::MAX).min(room - wanted);
                self.spans[2 * noted] = span.start.address();
                self.spans[2 * noted + 1] = bytes as u64;
                noted += 1;
                wanted += bytes;
            }
            // An error means that not even the first byte could be read.
            let got = self.read_noted(noted, &mut into[copied..copied + wanted]).unwrap_or(0);
            copied += got;
            if got < wanted {
                break;
            }
        }
        copied
    }

    /// Reads the first `count` spans in `self.spans` into `into`, which is as long as all of them.
    fn read_noted(&self, count: usize, into: &mut [u8]) -> io::Result<usize> {
        match &self.way {
            Way::Copy(file) => {
                let (descriptor, count) = (file.as_raw_fd(), libc::c_int::try_from(count).unwrap_or(0));
                // SAFETY: pwritev(2) reads `count` pairs of an address and a length from `spans`, which has room for
                // MAX_SPANS; two words of 64 bits are a `struct iovec`. It only reads at these addresses, and checks them.
                let write = || unsafe { libc::pwritev(descriptor, self.spans.as_ptr().cast(), count, 0) };
                let copied =
                    usize::try_from(without_signal(write)).map_err(|_| io::Error::last_os_error())?;
                let copied = copied.min(into.len());
                file.read_exact_at(&mut into[..copied], 0)?;
                Ok(copied)
            }
            Way::Call => {
                let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
                let pid = rustix::process::getpid().as_raw_nonzero().get();
                // SAFETY: process_vm_readv(2) writes at most `iov_len` bytes to `into`, which lives during the call. It
                // reads `count` pairs of an address and a length from `spans`, which has room for MAX_SPANS; two words of
                // 64 bits are a `struct iovec`. It only reads at these addresses, and checks them.
                let copied = unsafe {
                    libc::process_vm_readv(
                        pid,
                        &raw const local,
                        1,
                        self.spans.as_ptr().cast(),
                        count as u64,
                        0,
                    )
                };
                usize::try_from(copied).map_err(|_| io::Error::last_os_error())
            }
            Way::File(file) => {
                let mut copied = 0;
                for pair in self.spans[..2 * count].chunks_exact(2) {
                    let bytes = usize::try_from(pair[1]).unwrap_or(usize::MAX).min(into.len() - copied);
                    let got = read_from_file(file, pair[0], &mut into[copied..copied + bytes]);
                    copied += got;
                    if got < bytes {
                        break;
                    }
                }
                Ok(copied)
            }
        }
    }
}

/// Reads from an address on, up to the first byte that cannot be read.
fn read_from_file(file: &File, address: u64, into: &mut [u8]) -> usize {
    let mut copied = 0;
    while copied < into.len() {
        match file.read_at(&mut into[copied..], address.saturating_add(copied as u64)) {
            Ok(got) if got > 0 => copied += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    copied
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("way", &self.way).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use memmap2::MmapMut;
    use memory_debug_holders::Hidden;

    use super::*;
    use crate::process::Tree;

    fn span(start: u64, bytes: u64) -> Span {
        Span { start: Hidden::new(start), bytes }
    }

    fn ways() -> [Reader; 3] {
        let file = File::open("/proc/self/mem").unwrap();
        [Reader::copying(), Reader::with(Way::Call), Reader::with(Way::File(file))].map(Result::unwrap)
    }

    #[test]
    fn all_ways_read_spans_one_after_another() {
        let (one, other) = ([1_u8, 2, 3, 4], [5_u8, 6]);
        for mut reader in ways() {
            let spans = [span(one.as_ptr() as u64 + 1, 3), span(other.as_ptr() as u64, 2)];
            let mut into = [0; 9];
            assert_eq!(reader.read(&spans, &mut into), 5, "{reader:?}");
            assert_eq!(into, [2, 3, 4, 5, 6, 0, 0, 0, 0]);
            let many = vec![span(other.as_ptr() as u64, 1); 3 * MAX_SPANS + 1];
            let mut into = vec![0; many.len()];
            assert_eq!(reader.read(&many, &mut into), many.len());
            assert!(into.iter().all(|byte| *byte == 5));
        }
    }

    #[test]
    fn all_ways_end_at_the_first_byte_that_cannot_be_read() {
        let mut map = MmapMut::map_anon(8192).unwrap();
        map.fill(7);
        let start = map.as_ptr() as u64;
        let second = map[4096..].as_mut_ptr().cast();
        // SAFETY: the second page of the mapping is not used after this.
        let forbidden = unsafe { libc::mprotect(second, 4096, libc::PROT_NONE) };
        assert_eq!(forbidden, 0);
        for mut reader in ways() {
            // `/proc/self/mem` also reads memory that the process protected from itself, but not what is nowhere.
            let spans = [span(start, 10), span(0, 10), span(start, 10)];
            let mut into = [0; 30];
            assert_eq!(reader.read(&spans, &mut into), 10, "{reader:?}");
            assert_eq!(reader.read(&spans[1..], &mut into), 0);
        }
        for mut reader in [Reader::copying(), Reader::with(Way::Call)].map(Result::unwrap) {
            let mut into = [0; 8192];
            assert_eq!(reader.read(&[span(start, 8192)], &mut into), 4096, "{reader:?}");
            assert_eq!(reader.read(&[span(start + 4000, 8000)], &mut into), 96, "{reader:?}");
        }
    }

    #[test]
    fn a_filter_of_system_calls_is_seen_before_anything_is_tried() {
        let tree = Tree::new([("self/status", "Seccomp:\t2\n")]);
        assert!(is_filtered(tree.path()) && !is_filtered(Path::new("/nonexistent")));
        let error = Reader::new(tree.path()).unwrap_err();
        let expected = "the process cannot read its own memory: a filter of system calls (seccomp) may forbid \
                        process_vm_readv, and reading /proc/self/mem failed (entity not found); permit one of them";
        assert_eq!(error, expected);
    }
}
