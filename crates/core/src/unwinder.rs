//! The unwinder of jemalloc's sampler: libgcc, or a walk along frame pointers that `install!` can ask for.
//!
//! jemalloc reads the stack of each sample with libgcc, which interprets the unwind tables of each frame: 1 to 15 µs.
//! A program that is compiled with `-C force-frame-pointers=yes` keeps a linked list of its frames on the stack. A walk
//! along this list takes a tenth of that time or less. But the list can be wrong: C code without frame pointers breaks
//! it, or hides a frame. So a walk is used only if libgcc has confirmed it, piece by piece:
//!
//! - Each pair of neighbours in the walk must have been neighbours in a stack that libgcc read (`edges`).
//! - The walk must end at the frame where libgcc saw that this thread began (`outermost`).
//! - All frames must lie on the thread's own stack (`own_stack`). So nothing is read that may not be readable.
//!
//! Otherwise libgcc reads this stack, and its answer confirms further pairs. A confirmed walk has the same frames as
//! libgcc's answer, down to the last. So samples from before the switch and after it can be summed, and the switch needs
//! no `prof.reset`.
//!
//! The hook runs inside `malloc`, so it does not allocate, lock or panic, and leaves `errno` alone.

#[cfg_attr(
    not(all(
        feature = "jemalloc",
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    path = "unwinder/no_frame_pointers.rs"
)]
mod frame_pointers;

pub(crate) use frame_pointers::read_unwinder;
pub use frame_pointers::start_unwinder;
