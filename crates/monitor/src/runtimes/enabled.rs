//! Runtimes of tokio, and what is known of their threads.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread;

use memory_debug_core::PerProcess;
use tokio::runtime::{Id, RuntimeFlavor};
use tokio::task::yield_now;

pub(crate) use tokio::runtime::Handle;

use crate::tasks::Totals;
use crate::thread_id::thread_id;

/// The most runtimes that may announce themselves.
const MAX_ANNOUNCED: usize = 1_024;

/// Runtimes that announced themselves. A forked child has none of its parent's.
static ANNOUNCED: PerProcess<Mutex<Vec<Runtime>>> = PerProcess::new(Mutex::new(Vec::new()));

/// A runtime, by its name.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    pub(crate) name: Arc<str>,
    pub(crate) handle: Handle,
    /// Whether its thread runs a set of local tasks, which the runtime does not count.
    pub(crate) has_local_tasks: bool,
    threads: Arc<WorkerThreads>,
}

/// The threads that are known to work for a runtime.
#[derive(Debug, Default)]
struct WorkerThreads {
    ids: Mutex<Vec<u32>>,
    name: OnceLock<String>,
}

/// How often a task that learns the threads of a runtime runs.
const LESSONS: usize = 32;

/// The runtimes that a monitor watches: it was given some, and others announced themselves.
#[derive(Clone, Debug)]
pub(crate) struct Runtimes(Vec<Runtime>);

/// Lets monitors watch the current runtime of this thread, under the name of the thread. For adapters of frameworks
/// whose workers have a runtime each, as in actix-web. Does nothing without a runtime.
pub fn watch_current_runtime() {
    let Ok(handle) = Handle::try_current() else { return };
    let thread = thread::current();
    let runtime = Runtime::new(thread.name().unwrap_or("worker"), handle, true);
    runtime.threads.learn();
    let mut announced = announced();
    if announced.len() < MAX_ANNOUNCED && !contains(&announced, &runtime) {
        announced.push(runtime);
    }
}

impl Runtimes {
    /// Watches these runtimes. Spawns a task for each worker, which ends soon, to learn their threads.
    pub(crate) fn new(runtimes: Vec<(String, Handle)>) -> Self {
        let mut watched: Vec<Runtime> = Vec::with_capacity(runtimes.len());
        for (name, handle) in runtimes {
            let runtime = Runtime::new(&name, handle, false);
            if !contains(&watched, &runtime) {
                for _ in 0..runtime.handle.metrics().num_workers() {
                    let threads = Arc::clone(&runtime.threads);
                    runtime.handle.spawn(async move {
                        for _ in 0..LESSONS {
                            threads.learn();
                            yield_now().await;
                        }
                    });
                }
                watched.push(runtime);
            }
        }
        Self(watched)
    }

    /// Adds runtimes that have announced themselves since. Allocates only if there are any.
    pub(crate) fn update(&mut self) {
        let list = ANNOUNCED.get(|_| Mutex::default());
        let announced = match list.try_lock() {
            Ok(announced) => announced,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        for runtime in announced.iter() {
            if !contains(&self.0, runtime) {
                self.0.push(runtime.clone());
            }
        }
    }

    /// Forgets these runtimes, because their threads have ended.
    pub(crate) fn forget(&mut self, ended: &[Id]) {
        let goes_on = |runtime: &Runtime| !ended.contains(&runtime.handle.id());
        self.0.retain(goes_on);
        announced().retain(goes_on);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Runtime> {
        self.0.iter()
    }

    /// The tasks of all runtimes. `None` if no runtime is watched.
    pub(crate) fn totals(&self) -> Option<Totals> {
        let mut all = self.clone();
        all.update();
        all.0
            .iter()
            .map(Runtime::totals)
            .reduce(|sum, more| Totals { alive: sum.alive + more.alive, queued: sum.queued + more.queued })
    }
}

impl Runtime {
    fn new(name: &str, handle: Handle, has_local_tasks: bool) -> Self {
        Self { name: name.into(), handle, has_local_tasks, threads: Arc::default() }
    }

    fn totals(&self) -> Totals {
        let metrics = self.handle.metrics();
        Totals { alive: metrics.num_alive_tasks() as u64, queued: metrics.global_queue_depth() as u64 }
    }

    /// Whether it has a task that can block a worker, and a thread that runs it.
    pub(crate) fn can_be_blocked(&self) -> bool {
        let is_run =
            self.handle.runtime_flavor() != RuntimeFlavor::CurrentThread || self.only_thread().is_some();
        is_run && (self.has_local_tasks || self.handle.metrics().num_alive_tasks() > 0)
    }

    /// The only thread of the runtime. `None` if it has several, or if none was seen yet.
    pub(crate) fn only_thread(&self) -> Option<u32> {
        let is_one = self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        // The program may run it on several threads in turn.
        if is_one { self.threads.lock().last().copied() } else { None }
    }

    /// Whether a thread has certainly worked for the runtime.
    pub(crate) fn knows_thread(&self, tid: u32) -> bool {
        self.threads.lock().contains(&tid)
    }

    /// Whether a thread with this name, as the kernel has it, may work for the runtime.
    pub(crate) fn may_own_thread(&self, name: &str) -> bool {
        // Programs may number their threads. The kernel cuts a name to 15 bytes.
        let known = self.threads.name.get().map_or("tokio-rt-worker", String::as_str);
        let stem = |name: &str| name.trim_end_matches(|digit: char| digit.is_ascii_digit()).to_owned();
        let cut = |name: &str| name.as_bytes().get(..15).map_or(name.as_bytes().to_vec(), <[u8]>::to_vec);
        cut(known) == name.as_bytes() || stem(&stem(known)) == stem(name)
    }
}

impl WorkerThreads {
    /// Takes this thread for one that works for the runtime.
    fn learn(&self) {
        self.name.get_or_init(|| thread::current().name().unwrap_or_default().to_owned());
        let tid = thread_id();
        let mut ids = self.lock();
        if !ids.contains(&tid) {
            ids.push(tid);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u32>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn contains(runtimes: &[Runtime], other: &Runtime) -> bool {
    runtimes.iter().any(|runtime| runtime.handle.id() == other.handle.id())
}

fn announced() -> MutexGuard<'static, Vec<Runtime>> {
    ANNOUNCED.get(|_| Mutex::default()).lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_watched_once_however_often_it_is_named() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle();
        let named = vec![("a".to_owned(), handle.clone()), ("b".to_owned(), handle.clone())];
        let mut runtimes = Runtimes::new(named);
        runtime.block_on(async {
            watch_current_runtime();
            watch_current_runtime();
        });
        runtimes.update();
        let same = runtimes.iter().filter(|watched| watched.handle.id() == handle.id());
        assert_eq!(same.map(|watched| &*watched.name).collect::<Vec<_>>(), ["a"]);
        assert!(runtimes.totals().is_some());
    }

    #[test]
    fn a_runtime_without_threads_of_its_own_learns_its_thread_when_it_runs() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let runtimes = Runtimes::new(vec![("main".into(), runtime.handle().clone())]);
        let watched = runtimes.iter().next().unwrap();
        assert_eq!(watched.only_thread(), None);
        // Nothing runs it yet, so its task waits for nothing that is blocked.
        assert!(!watched.can_be_blocked());
        runtime.block_on(async {
            yield_now().await;
            assert!(watched.can_be_blocked());
            while watched.can_be_blocked() {
                yield_now().await;
            }
        });
        assert_eq!(watched.only_thread(), Some(thread_id()));
        assert!(watched.knows_thread(thread_id()) && !watched.knows_thread(0));
    }

    #[test]
    fn threads_are_recognised_by_names_that_the_kernel_cut_or_the_program_numbered() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let named = |name: &str| {
            let watched = Runtime::new("main", runtime.handle().clone(), false);
            watched.threads.name.set(name.to_owned()).unwrap();
            watched
        };
        assert!(named("tokio-rt-worker").may_own_thread("tokio-rt-worker"));
        assert!(named("orders-worker-17").may_own_thread("orders-worker-1"));
        assert!(named("pool-3").may_own_thread("pool-12"));
        assert!(!named("pool-3").may_own_thread("main"));
        assert!(!named("tokio-rt-worker").may_own_thread("memory-debug-mo"));
    }
}
