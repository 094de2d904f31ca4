//! Tasks and channels of tokio.

use std::future::pending;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::runtime::Runtime;
use tokio::sync::{Mutex, broadcast, mpsc, oneshot, watch};

use crate::element::*;
use crate::ledger::{keep, own};

const TASKS: u64 = 200;

pub(crate) fn populate(runtime: &Runtime) {
    tasks(runtime);
    own("tokio mpsc, bounded", || {
        let (sender, receiver) = mpsc::channel(1_000);
        elements::<MpscBounded>(900).for_each(|element| drop(sender.try_send(element)));
        keep((sender, receiver));
    });
    own("tokio mpsc, unbounded", || {
        let (sender, receiver) = mpsc::unbounded_channel();
        elements::<MpscUnbounded>(900).for_each(|element| drop(sender.send(element)));
        keep((sender, receiver));
    });
    own("tokio mpsc, unbounded (twin)", || {
        let (sender, receiver) = mpsc::unbounded_channel();
        for n in (1..2_400).step_by(2) {
            drop(sender.send(UnboundedTwin::nth(n)));
        }
        keep((sender, receiver));
    });
    own("tokio oneshot", || {
        elements::<OneshotItem>(300).for_each(|element| {
            let (sender, receiver) = oneshot::channel();
            keep(sender.send(element));
            keep(receiver);
        });
    });
    own("tokio oneshot (twin)", || {
        for n in (1..500).step_by(2) {
            let (sender, receiver) = oneshot::channel();
            keep(sender.send(OneshotTwin::nth(n)));
            keep(receiver);
        }
    });
    own("tokio broadcast", || {
        let (sender, receiver) = broadcast::channel(512);
        elements::<BroadcastItem>(500).for_each(|element| drop(sender.send(element)));
        keep((sender, receiver));
    });
    own("tokio watch", || elements::<WatchItem>(200).for_each(|element| keep(watch::channel(element))));
    own("Arc<tokio::sync::Mutex>", || {
        elements::<AsyncMutexItem>(200).for_each(|element| keep(Arc::new(Mutex::new(element))));
    });
    own("futures mpsc, bounded", || {
        let (mut sender, receiver) = futures_channel::mpsc::channel(1_000);
        elements::<FuturesBounded>(900).for_each(|element| drop(sender.try_send(element)));
        keep((sender, receiver));
    });
    own("futures mpsc, unbounded", || {
        let (sender, receiver) = futures_channel::mpsc::unbounded();
        elements::<FuturesUnbounded>(900).for_each(|element| drop(sender.unbounded_send(element)));
        keep((sender, receiver));
    });
    own("futures mpsc, unbounded (twin)", || {
        let (sender, receiver) = futures_channel::mpsc::unbounded();
        for n in (1..2_000).step_by(2) {
            drop(sender.unbounded_send(FuturesTwin::nth(n)));
        }
        keep((sender, receiver));
    });
    own("futures oneshot", || {
        elements::<FuturesOneshot>(300).for_each(|element| {
            let (sender, receiver) = futures_channel::oneshot::channel();
            keep(sender.send(element));
            keep(receiver);
        });
    });
    boxed_futures();
}

/// Has the size of the async block in `tasks`.
async fn standby(n: u64) {
    let state = black_box([n; 120]);
    pending::<()>().await;
    black_box(state);
}

fn boxed_futures() {
    for n in 0..200 {
        own("Pin<Box<dyn Future>>", || {
            let future: Pin<Box<dyn Future<Output = u64> + Send>> = Box::pin(waiting(n));
            keep(future);
        });
    }
}

async fn waiting(n: u64) -> u64 {
    let state = black_box([n; 150]);
    pending::<()>().await;
    black_box(state)[3]
}

/// Tasks that never end. Each holds an allocation made on a worker thread.
fn tasks(runtime: &Runtime) {
    let (ready, begun) = std::sync::mpsc::channel();
    for n in 0..TASKS {
        let ready = ready.clone();
        own("task", || drop(runtime.spawn(session(n, ready))));
        own("task (twin)", || drop(runtime.spawn(standby(n))));
        own("task of an async block", || {
            drop(runtime.spawn(async move {
                let state = black_box([n; 120]);
                pending::<()>().await;
                black_box(state);
            }));
        });
    }
    drop(ready);
    // Ends when the last task has started and dropped its sender.
    assert_eq!(begun.iter().count() as u64, TASKS);
}

async fn session(n: u64, ready: Sender<u64>) {
    let state = black_box([n; 100]);
    let held = own("Vec, held by a task", || elements(20).collect::<Vec<TaskHeld>>());
    // The main thread does the accounting.
    let _ = ready.send(n);
    drop(ready);
    pending::<()>().await;
    black_box((state, held));
}
