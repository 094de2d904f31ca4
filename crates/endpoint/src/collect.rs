//! Where reports come from.

use std::sync::{Mutex, MutexGuard, PoisonError};

use memory_debug_core::{
    Collected, Collector, Headroom, PerProcess, ProfilingChange, ProfilingRefusal, ProfilingStatus, Resource,
    Scope, Work,
};

/// Makes reports. [`Collector`] is the real one; another can stand in for it, for example in tests.
pub trait Collect: Send + Sync + 'static {
    /// Collects `scope`. What is made otherwise than by a [`Collector`] is a `Collected` by [`From`]: its table cannot be
    /// summed again by something else than types. May block and may take long: it is called on a thread of its own, never twice at once for
    /// the same kind of page. A panic is answered with status 500.
    fn collect(&self, scope: Scope) -> Collected;

    /// Whether there is memory enough to collect `scope`; asked on the same thread right before. Says yes if not
    /// implemented.
    ///
    /// # Errors
    ///
    /// If collecting could take what the process has left. The request is then answered 503, unless somebody with
    /// [`Role::Profile`](crate::Role::Profile) asked with `force=true`.
    fn headroom(&self, _scope: Scope) -> Result<(), Shortage> {
        Ok(())
    }

    /// Whether there is memory enough to make a page of at most `body_bytes` of a report that was collected; asked on the
    /// same thread right before. Says yes if not implemented.
    ///
    /// # Errors
    ///
    /// As [`headroom`](Self::headroom).
    fn headroom_for(&self, _work: Work, _body_bytes: u64) -> Result<(), Shortage> {
        Ok(())
    }

    /// The collector of this process, for what is asked of the process itself: the allocator by arena and size class,
    /// the profiler's state, and to give memory back. `None`, if not implemented, answers these with 501.
    fn process(&self) -> Option<&Collector> {
        None
    }
}

/// Less memory is left than a collection may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The most that the collection may take, in bytes.
    pub needed_bytes: u64,
    /// What is left until the limit of the container or of the machine, or until that on addresses.
    pub available_bytes: u64,
    /// What is short.
    pub resource: Resource,
}

/// Held while types of this process are collected: endpoints with different settings have flights of their own, but it
/// is one process, and two collections at once would cost it twice.
static TYPES: PerProcess<Mutex<()>> = PerProcess::new(Mutex::new(()));

fn types_of_this_process() -> MutexGuard<'static, ()> {
    TYPES.get(|_| Mutex::default()).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Changes the heap profiler, in turn with collections of types: a change of rate reads the heap profile itself, and a
/// report is to be of one rate.
pub(crate) fn set_profiling(
    process: &Collector,
    change: ProfilingChange,
    if_version: Option<u64>,
) -> Result<ProfilingStatus, ProfilingRefusal> {
    let _held = types_of_this_process();
    process.set_profiling(change, if_version)
}

impl Collect for Collector {
    fn collect(&self, scope: Scope) -> Collected {
        let _held = (scope != Scope::Stats).then(types_of_this_process);
        Self::collect(self, scope)
    }

    fn headroom(&self, scope: Scope) -> Result<(), Shortage> {
        check(&Self::headroom(self, scope))
    }

    fn headroom_for(&self, work: Work, body_bytes: u64) -> Result<(), Shortage> {
        check(&Self::headroom_for(self, work, body_bytes))
    }

    fn process(&self) -> Option<&Collector> {
        Some(self)
    }
}

pub(crate) fn check(headroom: &Headroom) -> Result<(), Shortage> {
    let Headroom { needed_bytes, resource, .. } = *headroom;
    match headroom.available_bytes {
        Some(available_bytes) if headroom.is_short() => {
            Err(Shortage { needed_bytes, available_bytes, resource })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_collector_is_that_of_its_process_and_others_are_not() {
        struct Other;
        impl Collect for Other {
            fn collect(&self, scope: Scope) -> Collected {
                Collector::new().collect(scope)
            }
        }
        let collector = Collector::new();
        let process = Collect::process(&collector);
        assert!(process.is_some_and(|process| std::ptr::eq(process, &raw const collector)));
        assert!(Other.process().is_none());
    }

    #[test]
    fn s40_collectors_of_one_process_take_turns() {
        let turn = types_of_this_process();
        let (begun, has_begun) = channel();
        let (ended, has_ended) = channel();
        let other = thread::spawn(move || {
            Collect::collect(&Collector::new(), Scope::Stats);
            begun.send(()).unwrap();
            Collect::collect(&Collector::new(), Scope::Types);
            ended.send(()).unwrap();
        });
        has_begun.recv().expect("statistics wait for nobody");
        // Right however long it waits; without turns the thread ends in a few milliseconds.
        assert_eq!(has_ended.recv_timeout(Duration::from_millis(200)), Err(RecvTimeoutError::Timeout));
        drop(turn);
        has_ended.recv().expect("its turn");
        other.join().unwrap();
    }

    #[test]
    fn s40_the_profiler_is_not_changed_while_types_are_collected() {
        let turn = types_of_this_process();
        let (ended, has_ended) = channel();
        let other = thread::spawn(move || {
            drop(set_profiling(&Collector::new(), ProfilingChange::deactivate(), None));
            ended.send(()).unwrap();
        });
        assert_eq!(has_ended.recv_timeout(Duration::from_millis(200)), Err(RecvTimeoutError::Timeout));
        drop(turn);
        has_ended.recv().expect("its turn");
        other.join().unwrap();
    }

    #[test]
    fn s44_less_than_is_needed_is_a_shortage_and_the_unknown_is_none() {
        let mut headroom = Collector::new().headroom(Scope::Types);
        for (available, is_enough) in [(None, true), (Some(99), false), (Some(100), true)] {
            (headroom.needed_bytes, headroom.available_bytes) = (100, available);
            let shortage = Shortage { needed_bytes: 100, available_bytes: 99, resource: Resource::Memory };
            assert_eq!(check(&headroom), if is_enough { Ok(()) } else { Err(shortage) }, "{available:?}");
        }
    }
}
