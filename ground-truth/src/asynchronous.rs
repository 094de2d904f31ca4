//! Tasks and channels of tokio.

use std::future::pending;
use std::hint::black_box;
use std::sync::mpsc::Sender;

use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc, oneshot};

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
    own("tokio oneshot", || {
        elements::<OneshotItem>(300).for_each(|element| {
            let (sender, receiver) = oneshot::channel();
            keep(sender.send(element));
            keep(receiver);
        });
    });
    own("tokio broadcast", || {
        let (sender, receiver) = broadcast::channel(512);
        elements::<BroadcastItem>(500).for_each(|element| drop(sender.send(element)));
        keep((sender, receiver));
    });
}

/// Tasks that never end, each holding something it allocated on a worker's thread.
fn tasks(runtime: &Runtime) {
    let (ready, begun) = std::sync::mpsc::channel();
    for n in 0..TASKS {
        let ready = ready.clone();
        own("task", || drop(runtime.spawn(session(n, ready))));
    }
    drop(ready);
    // Ends when the last task has begun and dropped its sender.
    assert_eq!(begun.iter().count() as u64, TASKS);
}

async fn session(n: u64, ready: Sender<u64>) {
    let state = black_box([n; 100]);
    let held = own("Vec, held by a task", || elements(20).collect::<Vec<TaskHeld>>());
    // The main thread counts.
    let _ = ready.send(n);
    drop(ready);
    pending::<()>().await;
    black_box((state, held));
}
