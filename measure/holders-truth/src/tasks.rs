//! Populations of tokio: tasks, channels and boxed futures.

use std::future::{Future, pending};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};

use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc};

use crate::element::*;
use crate::ledger::own;
use crate::scale::count;

static MPSC: OnceLock<mpsc::UnboundedSender<Box<MpscMessage>>> = OnceLock::new();
static BROADCAST: OnceLock<(broadcast::Sender<Arc<BroadcastMessage>>, Mutex<Waiting>)> = OnceLock::new();
static STD_CHANNEL: Mutex<Option<(Sender<Box<StdMessage>>, Receiver<Box<StdMessage>>)>> = Mutex::new(None);
static FUTURES: Mutex<Vec<BoxedFuture>> = Mutex::new(Vec::new());

/// A receiver that did not receive yet, so the channel keeps the messages.
type Waiting = broadcast::Receiver<Arc<BroadcastMessage>>;
type BoxedFuture = Pin<Box<dyn Future<Output = u64> + Send>>;

/// Sends a message, and receives one if `replace`.
pub(crate) fn send_std(n: u64, replace: bool) -> u64 {
    let message = own("std channel: boxes", || Box::new(StdMessage::nth(n)));
    let mut channel_of_all = STD_CHANNEL.lock().unwrap_or_else(PoisonError::into_inner);
    let (sender, receiver) = channel_of_all.get_or_insert_with(channel);
    own("std channel: blocks", || sender.send(message)).expect("a receiver");
    let received = if replace { receiver.recv().ok() } else { None };
    drop(channel_of_all);
    received.map_or(0, |message| message.first())
}

pub(crate) fn populate(runtime: &Runtime) {
    tasks(runtime);
    own("tokio mpsc: blocks", || {
        let (sender, receiver) = mpsc::unbounded_channel();
        for n in 0..count(60_000) {
            sender.send(own("tokio mpsc: boxes", || Box::new(MpscMessage::nth(n)))).expect("a receiver");
        }
        let _ = MPSC.set(sender);
        runtime.spawn(async move {
            pending::<()>().await;
            black_box(receiver);
        });
    });
    own("tokio broadcast: slots", || {
        let messages = count(30_000);
        let (sender, receiver) = broadcast::channel(messages as usize);
        for n in 0..messages {
            let message = own("tokio broadcast: values", || Arc::new(BroadcastMessage::nth(n)));
            sender.send(message).expect("a receiver");
        }
        let _ = BROADCAST.set((sender, Mutex::new(receiver)));
    });
    for n in 0..count(60_000) {
        black_box(send_std(n, false));
    }
    own("boxed futures: vector", || {
        let mut futures = FUTURES.lock().expect("not poisoned");
        for n in 0..count(15_000) {
            let mut future: BoxedFuture = own("boxed futures: boxes", || Box::pin(waiting(n)));
            own("boxed futures: boxes", || {
                assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            });
            futures.push(future);
        }
    });
}

async fn waiting(n: u64) -> u64 {
    let state = black_box([n; 70]);
    let records = own("boxed futures: owned", || elements::<FutureRecord>(8 + n % 2));
    pending::<()>().await;
    black_box(&state)[3] ^ records[0].first()
}

/// Tasks that wait for ever. A worker thread allocates what each one owns.
fn tasks(runtime: &Runtime) {
    let (ready, begun) = channel();
    for n in 0..count(12_000) {
        let ready = ready.clone();
        own("tasks: cells", || drop(runtime.spawn(connection(n, ready))));
    }
    drop(ready);
    // Ends when the last task has started and dropped its sender.
    assert_eq!(begun.iter().count() as u64, count(12_000));
}

async fn connection(n: u64, ready: Sender<u64>) {
    let state = black_box([n; 80]);
    let records = own("tasks: owned", || elements::<TaskRecord>(14 + n % 2));
    let _ = ready.send(n);
    drop(ready);
    pending::<()>().await;
    black_box((state, records));
}
