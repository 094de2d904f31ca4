//! Collectors that replace the real one in tests.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use memory_debug_core::{Collected, MemoryReport, Scope};
use memory_debug_tower::Collect;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::time_limit::within_limit;

/// A report in which nothing was measured.
pub fn empty_report() -> MemoryReport {
    serde_json::from_value(serde_json::json!({
        "schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        "collected_at": "2026-11-20T09:00:00Z", "duration_us": 0, "unavailable": {},
    }))
    .unwrap()
}

/// A fixed report with a value in every section.
pub fn fixed_report() -> MemoryReport {
    let row = |type_name, objects: u32, bytes, stderr, source| {
        serde_json::json!({
            "type": type_name, "full_type": format!("alloc::{type_name}"), "objects": objects, "bytes": bytes,
            "objects_stderr": f64::from(objects) * stderr, "bytes_stderr": bytes as f64 * stderr, "source": source,
        })
    };
    serde_json::from_value(serde_json::json!({
        "schema": "memory-debug/v1",
        "instance": {
            "id": "45850a22-0000-4000-8000-000000000000", "service": "shop", "version": "1.0.0", "host": "vm",
            "pid": 4337, "started_at": "2026-11-20T08:59:00Z", "uptime_seconds": 60,
        },
        "collected_at": "2026-11-20T09:00:00Z", "duration_us": 8123,
        "process": {"resident_bytes": 77_700_000, "anonymous_bytes": 70_000_000, "threads": 9, "open_fds": 31},
        "cgroup": {"version": 2, "limit_bytes": 536_870_912, "current_bytes": 90_000_000, "oom_kills": 0},
        "allocator": {
            "name": "jemalloc", "version": "5.3.1", "allocated_bytes": 66_600_000, "active_bytes": 68_000_000,
            "metadata_bytes": 3_000_000, "resident_bytes": 75_000_000, "mapped_bytes": 90_000_000,
            "retained_bytes": 10_000_000, "arenas": 8,
            "profiling": {"compiled": true, "enabled": true, "active": true, "sample_bytes": 524_288},
        },
        "types": {
            "group": "container", "symbols": "inlined", "sample_bytes": 524_288, "stacks": 4,
            "rows": [
                row("String", 412_633, 32_600_000, 0.12, "sampled"),
                row("HashMap<String, Session>", 1, 4_194_304, 0.02, "sampled"),
                row("shop::Cache", 3, 4096, 0.0, "exact"),
                row("<script>&\"'", 7, 2048, 1.0, "unattributed"),
            ],
            "total_bytes": 36_796_352, "total_objects": 412_641, "unattributed_bytes": 2048,
        },
        "unavailable": {"process.uss_bytes": "smaps_rollup: permission denied"},
    }))
    .unwrap()
}

/// Counts its collections. Clones share the count.
#[derive(Clone, Debug)]
pub struct CountingCollector {
    report: MemoryReport,
    count: Arc<AtomicUsize>,
}

impl Default for CountingCollector {
    fn default() -> Self {
        Self::of(empty_report())
    }
}

impl CountingCollector {
    /// A collector that returns `report`.
    pub fn of(report: MemoryReport) -> Self {
        Self { report, count: Arc::default() }
    }

    /// The number of collections.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Collect for CountingCollector {
    fn collect(&self, _scope: Scope) -> Collected {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.report.clone().into()
    }
}

/// Blocks in each collection until the [`GateKeeper`] lets it continue.
#[derive(Debug)]
pub struct GatedCollector {
    begun: UnboundedSender<Scope>,
    orders: Mutex<Receiver<Order>>,
    tally: Arc<Tally>,
}

/// The test's side of a [`GatedCollector`]. Dropping it leaves the gate open.
#[derive(Debug)]
pub struct GateKeeper {
    begun: UnboundedReceiver<Scope>,
    orders: Sender<Order>,
    tally: Arc<Tally>,
}

#[derive(Debug)]
enum Order {
    Return,
    Panic,
}

#[derive(Debug, Default)]
struct Tally {
    runs: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

impl GatedCollector {
    /// A collector behind a closed gate, and its keeper.
    pub fn new() -> (Self, GateKeeper) {
        let ((begun, begun_receiver), (orders, orders_receiver)) = (unbounded_channel(), channel());
        let tally = Arc::<Tally>::default();
        let collector = Self { begun, orders: Mutex::new(orders_receiver), tally: Arc::clone(&tally) };
        (collector, GateKeeper { begun: begun_receiver, orders, tally })
    }
}

impl Collect for GatedCollector {
    fn collect(&self, scope: Scope) -> Collected {
        self.tally.runs.fetch_add(1, Ordering::SeqCst);
        let running = self.tally.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.tally.most_running.fetch_max(running, Ordering::SeqCst);
        // Fails once the keeper has been dropped.
        let _ = self.begun.send(scope);
        let order = self.orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        self.tally.running.fetch_sub(1, Ordering::SeqCst);
        match order {
            // Unwinds like any panic, but prints nothing among the test results.
            Ok(Order::Panic) => resume_unwind(Box::new("the collector panics because the test told it to")),
            Ok(Order::Return) | Err(_) => empty_report().into(),
        }
    }
}

impl GateKeeper {
    /// Waits until a collection has begun, and returns its scope.
    pub async fn begun(&mut self) -> Scope {
        within_limit(self.begun.recv()).await.expect("the collector lives as long as its server")
    }

    /// Lets one collection return.
    pub fn let_through(&self) {
        self.orders.send(Order::Return).unwrap();
    }

    /// Lets one collection panic.
    pub fn let_panic(&self) {
        self.orders.send(Order::Panic).unwrap();
    }

    /// The number of collections that have begun.
    pub fn runs(&self) -> usize {
        self.tally.runs.load(Ordering::SeqCst)
    }

    /// The largest number of collections that ever ran at once.
    pub fn most_at_once(&self) -> usize {
        self.tally.most_running.load(Ordering::SeqCst)
    }
}
