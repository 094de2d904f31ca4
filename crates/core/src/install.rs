//! `install!`: the one line that makes a program's heap profile readable.

use std::ffi::{CStr, c_char};

/// A value for jemalloc's `malloc_conf`: a pointer to a text that exists before `main` begins.
#[derive(Debug)]
#[repr(transparent)]
pub struct MallocConf(*const c_char);

// SAFETY: it points to a constant of the program, which is never written.
unsafe impl Sync for MallocConf {}

impl MallocConf {
    /// Takes a text that ends in a NUL byte.
    ///
    /// # Panics
    ///
    /// At compile time, if the text does not end in a NUL byte or contains another NUL byte.
    pub const fn new(options: &'static str) -> Self {
        match CStr::from_bytes_with_nul(options.as_bytes()) {
            Ok(options) => Self(options.as_ptr()),
            Err(_) => panic!("jemalloc's options end in the only NUL byte"),
        }
    }
}

/// Makes jemalloc the program's allocator and turns its heap profiler on. Write it in `main.rs`, outside any
/// function:
///
/// ```ignore
/// memory_debug_axum::install!();
/// ```
///
/// It defines the `#[global_allocator]` and jemalloc's configuration symbol (`_rjem_malloc_conf`, and
/// `malloc_conf` for unprefixed builds). A program that already has either gets an error from the compiler or
/// the linker. Use it in the program, not in a library. The environment variable `_RJEM_MALLOC_CONF`
/// (`MALLOC_CONF` for unprefixed builds) still overrides every option.
///
/// # Options
///
/// In any order, each at most once:
///
/// - `install!(profiling = on_demand)`: the profiler is ready but does not sample until it is turned on for a time
///   (`Collector::set_profiling`) or `prof.active` is set. Allocations made before that never appear in a profile.
/// - `install!(lg_prof_sample = 16)`: one sample per 2^16 bytes on average instead of 2^19 (512 KiB). A smaller number
///   is more exact and costs more, because a sampled allocation is slower and takes pages of its own, however small it
///   is: 0.8 % of a heap of small objects at 19, 3 % at 17, 6 % at 16. 0 records every allocation.
/// - `install!(unwinder = frame_pointers)`: the stacks of samples are read along frame pointers instead of libgcc's
///   unwind tables, which takes a tenth of the time. So `install!(unwinder = frame_pointers, lg_prof_sample = 17)` takes
///   four times as many samples in less time, and each ± is half as large. Build the program with
///   `RUSTFLAGS="-C force-frame-pointers=yes"`. Otherwise libgcc stays, and the page says why (`/stats`, `/doctor`).
///
///   This option runs code of ours before `main`: it compares both ways on a known stack, a few microseconds, and sets
///   jemalloc's hook. Without it, nothing of ours runs before the first authenticated request.
///
/// # Names of threads
///
/// jemalloc keeps the operating system's name of each thread that it samples (`prof_sys_thread_name`), which
/// costs one system call per sample. `group=thread` sums memory by these names.
///
/// # Panics
///
/// Never at run time. An unknown option does not compile.
#[cfg(feature = "jemalloc")]
#[macro_export]
macro_rules! install {
    (@options [$active:tt] [$lg:tt] [$unwinder:tt]) => {
        $crate::install!(@install $active $lg);
        $crate::install!(@unwinder $unwinder);
    };
    (@options [default] [$lg:tt] [$unwinder:tt] profiling = on_demand $(, $($rest:tt)*)?) => {
        $crate::install!(@options [on_demand] [$lg] [$unwinder] $($($rest)*)?);
    };
    (@options [$active:tt] [default] [$unwinder:tt] lg_prof_sample = $lg:literal $(, $($rest:tt)*)?) => {
        $crate::install!(@options [$active] [$lg] [$unwinder] $($($rest)*)?);
    };
    (@options [$active:tt] [$lg:tt] [default] unwinder = frame_pointers $(, $($rest:tt)*)?) => {
        $crate::install!(@options [$active] [$lg] [frame_pointers] $($($rest)*)?);
    };
    (@options [$active:tt] [$lg:tt] [$unwinder:tt] $($unknown:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "install! does not understand `", ::core::stringify!($($unknown)+), "`; it accepts `profiling = on_demand`, ",
            "`lg_prof_sample = N` with a literal N from 0 to 40, and `unwinder = frame_pointers`, each at most once"
        ));
    };
    (@unwinder default) => {};
    (@unwinder frame_pointers) => {
        // Functions in this section run before `main`, on the first thread (System V ABI, "Initialization and
        // Termination Functions").
        #[cfg(target_os = "linux")]
        const _: () = {
            #[used]
            #[unsafe(link_section = ".init_array")]
            static START: extern "C" fn() = $crate::__private::start_unwinder;
        };
    };
    (@install default $lg:tt) => { $crate::install!(@install true $lg); };
    (@install on_demand $lg:tt) => { $crate::install!(@install false $lg); };
    (@install $active:tt default) => { $crate::install!(@install $active 19); };
    (@install $active:tt $lg:tt) => {
        const _: () = {
            const LG_PROF_SAMPLE: u32 = $lg;
            ::core::assert!(LG_PROF_SAMPLE <= 40, "install! takes an lg_prof_sample from 0 to 40");

            #[global_allocator]
            static ALLOCATOR: $crate::__private::Jemalloc = $crate::__private::Jemalloc;

            const OPTIONS: &::core::primitive::str =
                ::core::concat!(
                    "prof:true,prof_active:", $active, ",lg_prof_sample:", $lg, ",prof_sys_thread_name:true\0"
                );

            #[used]
            #[unsafe(export_name = "_rjem_malloc_conf")]
            static PREFIXED: $crate::__private::MallocConf = $crate::__private::MallocConf::new(OPTIONS);

            #[used]
            #[unsafe(export_name = "malloc_conf")]
            static UNPREFIXED: $crate::__private::MallocConf = $crate::__private::MallocConf::new(OPTIONS);
        };
    };
    ($($options:tt)*) => { $crate::install!(@options [default] [default] [default] $($options)*); };
}

/// Needs the cargo feature `jemalloc`, which is off in this build.
#[cfg(not(feature = "jemalloc"))]
#[macro_export]
macro_rules! install {
    ($($options:tt)*) => {
        ::core::compile_error!(
            "install! needs the cargo feature `jemalloc` of the memory-debug crate in use"
        );
    };
}
