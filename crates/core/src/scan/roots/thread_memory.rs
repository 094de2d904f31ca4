//! The memory of threads: stacks, thread-local variables and control blocks.

use std::ops::Range;

use memory_debug_holders::RootKind;

use super::Process;
use crate::scan::areas::AreaKind;
use crate::scan::control_blocks::{BLOCK_BYTES, ControlBlock};
use crate::scan::threads::Thread;
use crate::thread::COLLECTING;

/// What belongs to threads.
#[derive(Debug, Default)]
pub(super) struct ThreadMemory {
    /// The roots, each with its kind and its name.
    pub(super) roots: Vec<(Range<u64>, RootKind, Option<String>)>,
    /// Memory that is no root: stacks of threads that have ended, unused parts of stacks, variables of the allocator.
    pub(super) excluded: Vec<Range<u64>>,
    /// Memory that holds only what nothing else holds: control blocks, and stacks of threads of this crate.
    last: Vec<Range<u64>>,
    /// Threads without a control block.
    pub(super) unknown_threads: usize,
}

impl ThreadMemory {
    /// Sorts out the memory of all threads. `pieces` is the memory that is not jemalloc's.
    pub(super) fn of(
        process: &Process<'_>,
        blocks: &[ControlBlock],
        pieces: &[(Range<u64>, RootKind)],
    ) -> Self {
        let mut memory = Self::default();
        for block in blocks {
            memory.add_block(process, block);
        }
        for thread in process.threads {
            if !blocks.iter().any(|block| block.thread == Some(thread.id)) {
                memory.unknown_threads += 1;
                memory.add_unknown(thread, pieces);
            }
        }
        memory.add_main_stack(process);
        memory.add_last();
        memory
    }

    fn add_block(&mut self, process: &Process<'_>, block: &ControlBlock) {
        let thread = process.threads.iter().find(|thread| Some(thread.id) == block.thread);
        let Some(thread) = thread else {
            // glibc keeps the stacks of threads that have ended. Nothing on them is in use.
            self.excluded.extend(block.stack.clone());
            return;
        };
        if thread.id == process.own {
            // The scan's own thread runs nothing else, and has copies of what it found.
            let locals = block.thread_pointer.saturating_sub(process.names.thread_local_bytes());
            self.excluded.push(locals..block.thread_pointer.saturating_add(BLOCK_BYTES));
            self.excluded.extend(block.stack.clone());
            return;
        }
        let pointer = block.thread_pointer;
        let locals = pointer.saturating_sub(process.names.thread_local_bytes());
        let end = block.stack.as_ref().map_or(pointer.saturating_add(BLOCK_BYTES), |stack| stack.end);
        self.roots.push((locals..pointer, RootKind::ThreadLocal, None));
        self.last.push(pointer..end);
        for below in &process.allocator.below_thread_pointer {
            self.excluded.push(pointer.saturating_sub(below.start)..pointer.saturating_sub(below.end));
        }
        if let Some(stack) = &block.stack {
            let used = thread.stack_pointer.filter(|at| stack.contains(at)).unwrap_or(stack.start);
            self.excluded.push(stack.start..used);
            let range = used..locals.max(used);
            if thread.name == COLLECTING {
                self.last.push(range);
            } else {
                self.roots.push((range, RootKind::Stack, Some(thread.name.clone())));
            }
        }
    }

    /// A thread that glibc did not start. Its stack is the piece that its stack pointer is in; nothing tells where the
    /// unused part begins and ends, so all of it counts.
    fn add_unknown(&mut self, thread: &Thread, pieces: &[(Range<u64>, RootKind)]) {
        let Some(used) = thread.stack_pointer else { return };
        let piece = pieces.iter().find(|(piece, kind)| *kind == RootKind::Mapping && piece.contains(&used));
        if let Some((piece, _)) = piece {
            self.roots.push((piece.clone(), RootKind::Stack, Some(thread.name.clone())));
        }
    }

    /// A control block has the argument that the thread was started with. The thread has taken it over, so it is usually
    /// memory that is free, with stale pointers. Threads of this crate hold nothing of the program. Without a name, both
    /// come after all other roots.
    fn add_last(&mut self) {
        let last = std::mem::take(&mut self.last);
        self.roots.extend(last.into_iter().map(|range| (range, RootKind::Stack, None)));
    }

    /// The kernel made the stack of the main thread, so no control block lies in it.
    fn add_main_stack(&mut self, process: &Process<'_>) {
        let Some(area) = process.areas.iter().find(|area| area.kind == AreaKind::MainStack) else { return };
        let stack = area.start..area.end;
        let owner = process
            .threads
            .iter()
            .filter_map(|thread| Some((thread, thread.stack_pointer?)))
            .find(|(_, used)| stack.contains(used));
        let used = owner.map_or(stack.start, |(_, used)| used);
        // If no stack pointer is in it, the main thread runs, or it has ended.
        let main = process.threads.iter().find(|thread| thread.id == std::process::id());
        let main = owner.map(|(thread, _)| thread).or(main);
        self.excluded.push(stack.start..used);
        self.roots.push((used..stack.end, RootKind::Stack, main.map(|thread| thread.name.clone())));
    }
}
