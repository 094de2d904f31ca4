//! All populations, on several threads and a runtime.

use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::{asynchronous, buffers, collections, connections, crates, extracted, messages, shared, text};

/// Builds every population. The populations of the runtime live as long as the runtime.
pub(crate) fn populate() -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let on_threads = [
        collections::populate,
        text::populate,
        crates::populate,
        messages::populate,
        extracted::populate,
        buffers::populate,
        connections::populate,
    ];
    for thread in on_threads.map(thread::spawn) {
        thread.join().expect("no population panics");
    }
    shared::populate();
    asynchronous::populate(&runtime);
    runtime
}
