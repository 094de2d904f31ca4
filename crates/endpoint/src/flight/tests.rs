//! Tests of single flight. The test controls when the collector begins and ends, so nothing sleeps.

mod bodies;
mod bounds;
mod failures;
mod fairness;
mod growth;
mod sharing;
mod slots;

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memory_debug_core::{Collected, MemoryReport, Page, Resource, Scope, TypesView};
use serde_json::json;

use super::slot::Slot;
use super::*;
use crate::auth::Credentials;
use crate::auth::authenticate;
use crate::collect::Shortage;
use crate::reply::Format;

fn proof() -> Authorized {
    proof_of("ops")
}

fn proof_of(login: &str) -> Authorized {
    let header = format!("Basic {}", STANDARD.encode(format!("{login}:x")));
    authenticate(&Credentials::allow_weak(login, "x").unwrap(), [header.as_bytes()]).unwrap()
}

fn view(page: Page, format: Format) -> RenderRequest {
    RenderRequest::of_report(page, TypesView::default(), format)
}

fn stats() -> RenderRequest {
    view(Page::Stats, Format::Text)
}

fn with_filter(filter: usize) -> RenderRequest {
    let types = TypesView { filter: Some(filter.to_string()), ..TypesView::default() };
    RenderRequest::of_report(Page::Types, types, Format::Text)
}

fn report(number: usize) -> MemoryReport {
    serde_json::from_value::<MemoryReport>(json!({
        "schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        "collected_at": format!("report {number}"), "duration_us": 0, "unavailable": {},
    }))
    .unwrap()
}

/// What the collector does when it is released.
enum Order {
    Return,
    Panic,
}

const SHORTAGE: Shortage = Shortage { needed_bytes: 100, available_bytes: 1, resource: Resource::Memory };

/// Announces each collection, then waits for an order. Counts the collections that run at once.
struct Gate {
    begun: Mutex<Sender<(Scope, ThreadId)>>,
    orders: Mutex<Receiver<Order>>,
    runs: AtomicUsize,
    running: Arc<AtomicUsize>,
    most_running: Arc<AtomicUsize>,
    is_short: Arc<AtomicBool>,
}

/// The test's side of the gate.
struct Control {
    flights: Flights,
    begun: Receiver<(Scope, ThreadId)>,
    orders: Sender<Order>,
    most_running: Arc<AtomicUsize>,
    is_short: Arc<AtomicBool>,
}

impl Collect for Gate {
    fn collect(&self, scope: Scope) -> Collected {
        self.most_running.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let number = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        self.begun.lock().unwrap().send((scope, thread::current().id())).unwrap();
        let order = self.orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        self.running.fetch_sub(1, Ordering::SeqCst);
        match order {
            Ok(Order::Panic) => panic!("the secret reason"),
            _ => report(number).into(),
        }
    }

    fn headroom(&self, _scope: Scope) -> Result<(), Shortage> {
        if self.is_short.load(Ordering::SeqCst) { Err(SHORTAGE) } else { Ok(()) }
    }
}

impl Control {
    /// Creates a control whose requests each get a new report.
    fn new(limits: Limits) -> Self {
        Self::keeping_stats(limits.cache_stats_for(Duration::ZERO))
    }

    fn keeping_stats(limits: Limits) -> Self {
        let ((begun_sender, begun), (orders, orders_receiver)) = (channel(), channel());
        let (most_running, is_short) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let gate = Gate {
            begun: Mutex::new(begun_sender),
            orders: Mutex::new(orders_receiver),
            runs: AtomicUsize::new(0),
            running: Arc::default(),
            most_running: Arc::clone(&most_running),
            is_short: Arc::clone(&is_short),
        };
        Self { flights: Flights::new(Arc::new(gate), limits), begun, orders, most_running, is_short }
    }

    fn join(&self, view: RenderRequest) -> Result<Waiting, Problem> {
        self.flights.join(view, &proof())
    }

    /// Waits until a collection has begun.
    fn begun(&self) -> (Scope, ThreadId) {
        self.begun.recv().unwrap()
    }

    fn order(&self, order: Order) {
        self.orders.send(order).unwrap();
    }

    fn count_further_collections(&self) -> usize {
        self.begun.try_iter().count()
    }
}

async fn text(waiting: Waiting) -> String {
    String::from_utf8(waiting.await.unwrap().body.into()).unwrap()
}

async fn problem(waiting: Waiting) -> Problem {
    waiting.await.unwrap_err()
}
