//! All populations, on several threads and a runtime.

use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::threads::JobQueue;
use crate::{crates, ledger, lost, servers, shared, spans, statics, tasks, threads};

/// What keeps populations alive that no static and no other thread holds.
#[must_use = "dropping it frees the tasks"]
pub(crate) struct Populations {
    /// Holds the tasks.
    pub(crate) runtime: Runtime,
    /// Also held by the thread `consumer`.
    pub(crate) jobs: JobQueue,
}

/// Builds every population. The threads that only build end, so that their stacks hold nothing.
pub(crate) fn populate() -> Populations {
    for populate in [lost::populate, statics::populate, shared::populate, crates::populate, spans::populate] {
        thread::spawn(populate).join().expect("no population panics");
    }
    let jobs = thread::spawn(threads::populate).join().expect("no population panics");
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    tasks::populate(&runtime);
    servers::populate(&runtime);
    ledger::close();
    Populations { runtime, jobs }
}
