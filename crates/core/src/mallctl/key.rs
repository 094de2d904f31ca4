//! The keys this crate uses, each with the type that jemalloc's manual (section "MALLCTL NAMESPACE") gives it.
//!
//! The `unsafe` blocks below rely on this table: keys are made in this file only.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char};
use std::marker::PhantomData;

use super::{Error, backend};

/// A name in jemalloc's namespace together with the type of its value.
pub(crate) struct Key<T> {
    name: Cow<'static, CStr>,
    value: PhantomData<fn() -> T>,
}

/// The manual's `bool`, `unsigned`, `uint64_t`, `size_t`, `ssize_t`.
pub(crate) trait Plain: Copy {}
impl Plain for bool {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for usize {}
impl Plain for isize {}

/// `epoch` (uint64_t, rw): a write refreshes all `stats.*`. Until then they keep their values.
pub(crate) const EPOCH: Key<u64> = Key::new(c"epoch");
/// `version` (const char *, r-): `5.3.1-0-g81034ce…`.
pub(crate) const VERSION: Key<String> = Key::new(c"version");

/// `stats.allocated` (size_t, r-).
pub(crate) const STATS_ALLOCATED: Key<usize> = Key::new(c"stats.allocated");
/// `stats.active` (size_t, r-).
pub(crate) const STATS_ACTIVE: Key<usize> = Key::new(c"stats.active");
/// `stats.metadata` (size_t, r-).
pub(crate) const STATS_METADATA: Key<usize> = Key::new(c"stats.metadata");
/// `stats.resident` (size_t, r-).
pub(crate) const STATS_RESIDENT: Key<usize> = Key::new(c"stats.resident");
/// `stats.mapped` (size_t, r-).
pub(crate) const STATS_MAPPED: Key<usize> = Key::new(c"stats.mapped");
/// `stats.retained` (size_t, r-).
pub(crate) const STATS_RETAINED: Key<usize> = Key::new(c"stats.retained");

/// `arenas.narenas` (unsigned, r-).
pub(crate) const ARENAS_COUNT: Key<u32> = Key::new(c"arenas.narenas");
/// `arenas.page` (size_t, r-).
pub(crate) const ARENAS_PAGE: Key<usize> = Key::new(c"arenas.page");
/// `arenas.dirty_decay_ms` (ssize_t, rw): the default for new arenas.
pub(crate) const ARENAS_DIRTY_DECAY_MS: Key<isize> = Key::new(c"arenas.dirty_decay_ms");
/// `arenas.muzzy_decay_ms` (ssize_t, rw): the default for new arenas.
pub(crate) const ARENAS_MUZZY_DECAY_MS: Key<isize> = Key::new(c"arenas.muzzy_decay_ms");
/// `arenas.nbins` (unsigned, r-): size classes of small objects.
pub(crate) const ARENAS_BINS: Key<u32> = Key::new(c"arenas.nbins");
/// `arenas.nlextents` (unsigned, r-): size classes of large objects.
pub(crate) const ARENAS_LARGE_EXTENTS: Key<u32> = Key::new(c"arenas.nlextents");
/// `arenas.create` (unsigned, rw): *reading* makes an arena outside the automatic ones and returns its index.
pub(crate) const ARENAS_CREATE: Key<u32> = Key::new(c"arenas.create");
/// `opt.disable_large_size_classes` (bool, r-): whether large objects take whole pages instead of a size class.
/// New in 5.3.1, and not in the manual.
pub(crate) const OPT_DISABLE_LARGE_SIZE_CLASSES: Key<bool> = Key::new(c"opt.disable_large_size_classes");
/// `background_thread` (bool, rw).
pub(crate) const BACKGROUND_THREAD: Key<bool> = Key::new(c"background_thread");

/// `thread.allocated` (uint64_t, r-): bytes ever allocated by this thread.
pub(crate) const THREAD_ALLOCATED: Key<u64> = Key::new(c"thread.allocated");
/// `thread.deallocated` (uint64_t, r-): bytes ever freed by this thread.
#[cfg(not(target_os = "linux"))]
pub(crate) const THREAD_DEALLOCATED: Key<u64> = Key::new(c"thread.deallocated");
/// `thread.arena` (unsigned, rw): the arena this thread allocates from.
pub(crate) const THREAD_ARENA: Key<u32> = Key::new(c"thread.arena");
/// `thread.tcache.enabled` (bool, rw): turning the cache off flushes it.
pub(crate) const THREAD_TCACHE_ENABLED: Key<bool> = Key::new(c"thread.tcache.enabled");
/// `thread.tcache.flush` (void, --): returns the contents of this thread's cache to the arenas.
pub(crate) const THREAD_TCACHE_FLUSH: Key<()> = Key::new(c"thread.tcache.flush");
/// `arena.<i>.purge` (void, --) with `MALLCTL_ARENAS_ALL` (4096, `jemalloc_macros.h`): all arenas return their
/// unused pages to the system.
pub(crate) const ALL_ARENAS_PURGE: Key<()> = Key::new(c"arena.4096.purge");
/// `thread.prof.active` (bool, rw): whether this thread's allocations are sampled.
pub(crate) const THREAD_PROF_ACTIVE: Key<bool> = Key::new(c"thread.prof.active");

/// `config.prof` (bool, r-).
pub(crate) const CONFIG_PROF: Key<bool> = Key::new(c"config.prof");
/// `config.prof_libgcc` (bool, r-): whether jemalloc's own unwinder is libgcc's.
#[cfg(all(feature = "jemalloc", target_os = "linux"))]
pub(crate) const CONFIG_PROF_LIBGCC: Key<bool> = Key::new(c"config.prof_libgcc");
/// `prof.active` (bool, rw).
pub(crate) const PROF_ACTIVE: Key<bool> = Key::new(c"prof.active");
/// `prof.lg_sample` (size_t, r-).
pub(crate) const PROF_LG_SAMPLE: Key<usize> = Key::new(c"prof.lg_sample");
/// `prof.reset` (size_t, -w): discards all counts and samples with this `lg_sample` from now on.
pub(crate) const PROF_RESET: Key<usize> = Key::new(c"prof.reset");

/// `opt.prof` (bool, r-).
pub(crate) const OPT_PROF: Key<bool> = Key::new(c"opt.prof");
/// `opt.prof_active` (bool, r-): whether sampling was on at start.
pub(crate) const OPT_PROF_ACTIVE: Key<bool> = Key::new(c"opt.prof_active");
/// `opt.prof_accum` (bool, r-).
pub(crate) const OPT_PROF_ACCUM: Key<bool> = Key::new(c"opt.prof_accum");
/// `opt.prof_final` (bool, r-).
pub(crate) const OPT_PROF_FINAL: Key<bool> = Key::new(c"opt.prof_final");
/// `opt.cache_oblivious` (bool, r-).
pub(crate) const OPT_CACHE_OBLIVIOUS: Key<bool> = Key::new(c"opt.cache_oblivious");
/// `opt.prof_sys_thread_name` (bool, r-).
pub(crate) const OPT_PROF_SYS_THREAD_NAME: Key<bool> = Key::new(c"opt.prof_sys_thread_name");
/// `opt.lg_prof_sample` (size_t, r-).
pub(crate) const OPT_LG_PROF_SAMPLE: Key<usize> = Key::new(c"opt.lg_prof_sample");
/// `opt.narenas` (unsigned, r-).
pub(crate) const OPT_NARENAS: Key<u32> = Key::new(c"opt.narenas");
/// `opt.dirty_decay_ms` (ssize_t, r-).
pub(crate) const OPT_DIRTY_DECAY_MS: Key<isize> = Key::new(c"opt.dirty_decay_ms");
/// `opt.muzzy_decay_ms` (ssize_t, r-).
pub(crate) const OPT_MUZZY_DECAY_MS: Key<isize> = Key::new(c"opt.muzzy_decay_ms");
/// `opt.background_thread` (bool, r-).
pub(crate) const OPT_BACKGROUND_THREAD: Key<bool> = Key::new(c"opt.background_thread");
/// `opt.tcache` (bool, r-).
pub(crate) const OPT_TCACHE: Key<bool> = Key::new(c"opt.tcache");
/// `opt.retain` (bool, r-).
pub(crate) const OPT_RETAIN: Key<bool> = Key::new(c"opt.retain");
/// `opt.thp` (const char *, r-).
pub(crate) const OPT_THP: Key<String> = Key::new(c"opt.thp");
/// `opt.percpu_arena` (const char *, r-).
pub(crate) const OPT_PERCPU_ARENA: Key<String> = Key::new(c"opt.percpu_arena");

/// `arena.<i>.dirty_decay_ms` (ssize_t, rw): 0 returns all unused dirty pages at once.
pub(crate) fn arena_dirty_decay_ms(arena: u32) -> Key<isize> {
    Key::of_arena(arena, "dirty_decay_ms")
}

/// `arena.<i>.muzzy_decay_ms` (ssize_t, rw): 0 returns all unused muzzy pages at once.
pub(crate) fn arena_muzzy_decay_ms(arena: u32) -> Key<isize> {
    Key::of_arena(arena, "muzzy_decay_ms")
}

/// `prof.dump` (const char *, -w): writes the heap profile to `path`, which is created, or emptied first.
pub(crate) fn dump_profile(path: &CStr) -> Result<(), Error> {
    // SAFETY: `prof.dump` is a `const char *` (-w) by the manual; jemalloc reads the path during the call only.
    unsafe { backend::write::<*const c_char>(c"prof.dump", path.as_ptr()) }
}

impl<T> Key<T> {
    const fn new(name: &'static CStr) -> Self {
        Self { name: Cow::Borrowed(name), value: PhantomData }
    }

    fn of_arena(arena: u32, name: &str) -> Self {
        let name = CString::new(format!("arena.{arena}.{name}")).expect("a number and a word have no NUL");
        Self { name: Cow::Owned(name), value: PhantomData }
    }
}

impl<T: Plain> Key<T> {
    /// Reads the current value, or `stats.*` as of the last write to [`EPOCH`].
    pub(crate) fn read(&self) -> Result<T, Error> {
        // SAFETY: the table above gives every key the manual's type.
        unsafe { backend::read(&self.name) }
    }

    /// Sets the value. jemalloc refuses this for read-only keys.
    pub(crate) fn write(&self, value: T) -> Result<(), Error> {
        // SAFETY: the table above gives every key the manual's type, and no plain value is a pointer.
        unsafe { backend::write(&self.name, value) }
    }
}

impl Key<()> {
    /// Triggers the key's action.
    pub(crate) fn call(&self) -> Result<(), Error> {
        backend::call(&self.name)
    }
}

impl Key<String> {
    /// Reads the current text.
    pub(crate) fn read(&self) -> Result<String, Error> {
        // SAFETY: the table above calls only `const char *` keys text, and those point to constants of jemalloc.
        unsafe { backend::read_text(&self.name) }
    }
}
