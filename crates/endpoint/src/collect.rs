//! The source of reports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memory_debug_core::{
    Collected, Collector, Headroom, HoldersOptions, HoldersReport, PerProcess, ProfilingChange,
    ProfilingRefusal, ProfilingStatus, ProgressReport, Resource, Scope, Work,
};

/// Collects reports. [`Collector`] is the real implementation; tests, for example, use another one.
pub trait Collect: Send + Sync + 'static {
    /// Collects `scope`.
    ///
    /// Implementations without a [`Collector`] convert their report into a `Collected` with [`From`]. The table of
    /// such a report can only be grouped by type.
    ///
    /// This method may block and may take long. It is called on a thread of its own, never twice at once for the same
    /// kind of page. A panic is answered with status 500.
    fn collect(&self, scope: Scope) -> Collected;

    /// Checks whether enough memory is left to collect `scope`. Called on the same thread right before the
    /// collection. The default implementation always succeeds.
    ///
    /// # Errors
    ///
    /// If the collection could use up the memory that is left. The request then gets status 503, unless a login with
    /// [`Role::Profile`](crate::Role::Profile) sent `force=true`.
    fn headroom(&self, _scope: Scope) -> Result<(), Shortage> {
        Ok(())
    }

    /// Checks whether enough memory is left to write a page of at most `body_bytes` from a collected report. Called
    /// on the same thread right before the page is written. The default implementation always succeeds.
    ///
    /// # Errors
    ///
    /// If writing the page could use up the memory that is left, as for [`headroom`](Self::headroom).
    fn headroom_for(&self, _work: Work, _body_bytes: u64) -> Result<(), Shortage> {
        Ok(())
    }

    /// The collector of this process. Requests about the process itself need it: the allocator by arena and size class,
    /// the state of the profiler, and the purge of unused memory. If it is `None`, the default, these requests get
    /// status 501.
    fn process(&self) -> Option<&Collector> {
        None
    }

    /// Scans the heap for what holds its objects. Called on a thread of its own, never twice at once for one endpoint.
    ///
    /// `None` if this collector cannot. Requests for a scan then get status 501. By default, the collector of this
    /// process scans.
    fn holders(&self, options: &HoldersOptions) -> Option<HoldersReport> {
        self.process().map(|process| process.holders(options))
    }

    /// The result of the last scan. `None` if none has ended. Must return at once.
    fn last_holders(&self) -> Option<Arc<HoldersReport>> {
        self.process().and_then(Collector::last_holders)
    }

    /// Whether a scan runs, and how far it is. `None` if this collector cannot scan. Must return at once.
    fn holders_progress(&self) -> Option<ProgressReport> {
        self.process().map(Collector::holders_progress_report)
    }
}

/// The error that less memory is left than a collection may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The most that the collection may take, in bytes.
    pub needed_bytes: u64,
    /// The memory or addresses that are left, in bytes, until the limit of the container, the machine or the address
    /// space.
    pub available_bytes: u64,
    /// The resource that is short.
    pub resource: Resource,
}

/// Held while the types of this process are collected. Endpoints with different settings have separate flights, but two
/// collections of one process at once would cost it twice.
static TYPES: PerProcess<Mutex<()>> = PerProcess::new(Mutex::new(()));

fn lock_types() -> MutexGuard<'static, ()> {
    TYPES.get(|_| Mutex::default()).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Changes the heap profiler. Waits for a collection of types to end. A change of the sampling rate reads the heap
/// profile too, and one report must not mix two rates.
pub(crate) fn set_profiling(
    process: &Collector,
    change: ProfilingChange,
    if_version: Option<u64>,
) -> Result<ProfilingStatus, ProfilingRefusal> {
    let _held = lock_types();
    process.set_profiling(change, if_version)
}

impl Collect for Collector {
    fn collect(&self, scope: Scope) -> Collected {
        let _held = (scope != Scope::Stats).then(lock_types);
        Self::collect(self, scope)
    }

    fn headroom(&self, scope: Scope) -> Result<(), Shortage> {
        check_headroom(&Self::headroom(self, scope))
    }

    fn headroom_for(&self, work: Work, body_bytes: u64) -> Result<(), Shortage> {
        check_headroom(&Self::headroom_for(self, work, body_bytes))
    }

    fn process(&self) -> Option<&Collector> {
        Some(self)
    }
}

pub(crate) fn check_headroom(headroom: &Headroom) -> Result<(), Shortage> {
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
    fn only_the_real_collector_gives_access_to_its_process() {
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
        let turn = lock_types();
        let (begun, has_begun) = channel();
        let (ended, has_ended) = channel();
        let other = thread::spawn(move || {
            Collect::collect(&Collector::new(), Scope::Stats);
            begun.send(()).unwrap();
            Collect::collect(&Collector::new(), Scope::Types);
            ended.send(()).unwrap();
        });
        has_begun.recv().expect("statistics do not wait for types");
        // Passes even on a slow machine; without the lock the thread ends within a few milliseconds.
        assert_eq!(has_ended.recv_timeout(Duration::from_millis(200)), Err(RecvTimeoutError::Timeout));
        drop(turn);
        has_ended.recv().expect("its turn");
        other.join().unwrap();
    }

    #[test]
    fn s40_the_profiler_is_not_changed_while_types_are_collected() {
        let turn = lock_types();
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
    fn s44_too_little_headroom_is_a_shortage_and_unknown_headroom_is_not() {
        let mut headroom = Collector::new().headroom(Scope::Types);
        for (available, is_enough) in [(None, true), (Some(99), false), (Some(100), true)] {
            (headroom.needed_bytes, headroom.available_bytes) = (100, available);
            let shortage = Shortage { needed_bytes: 100, available_bytes: 99, resource: Resource::Memory };
            assert_eq!(
                check_headroom(&headroom),
                if is_enough { Ok(()) } else { Err(shortage) },
                "{available:?}"
            );
        }
    }
}
