//! What the application wants to be captured.

use std::path::PathBuf;

/// What is captured before a kill, and where.
///
/// The folder must be on a disk that outlives the process: a volume of the container, not `/tmp` in memory. It is made
/// with mode 0700 if it does not exist.
///
/// The start of the monitor begins to record live samples, as
/// [`record_live_samples`](memory_debug_core::record_live_samples) does, so that captures have ages and routes.
#[derive(Clone, Debug)]
pub struct Captures {
    pub(super) folder: PathBuf,
    pub(super) max_bytes: u64,
    pub(super) raw_dumps: bool,
    pub(super) warm: bool,
    pub(super) accept_memory: bool,
}

impl Captures {
    /// The bytes of all files together, unless set.
    const DEFAULT_MAX_BYTES: u64 = 64 << 20;

    /// Keeps captures in this folder, at most 64 MiB of them.
    pub fn in_folder(path: impl Into<PathBuf>) -> Self {
        Self {
            folder: path.into(),
            max_bytes: Self::DEFAULT_MAX_BYTES,
            raw_dumps: true,
            warm: false,
            accept_memory: false,
        }
    }

    /// The most bytes that the files of all processes may have together, at least 8 MiB. The newest capture, the one with
    /// the most memory in use, and the latest baseline stay longest.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Whether jemalloc's raw dumps are written when there is no room for a snapshot with types. They are on by default.
    /// They contain addresses of the process.
    #[must_use]
    pub fn raw_dumps(mut self, wanted: bool) -> Self {
        self.raw_dumps = wanted;
        self
    }

    /// Collects types once at the start, so that later snapshots take milliseconds instead of up to seconds.
    #[must_use]
    pub fn warm(mut self) -> Self {
        self.warm = true;
        self
    }

    /// Accepts a folder in memory (tmpfs). Its files count towards the memory limit, and the container's end may discard
    /// them.
    #[must_use]
    pub fn even_in_memory(mut self) -> Self {
        self.accept_memory = true;
        self
    }
}
