//! The table of populations.

use memory_debug_holders::RootKind::{self, Stack, Static, ThreadLocal};

use super::{Expected, Fate, REST};

/// The number of populations.
pub(crate) const COUNT: usize = 95;

const fn held(
    population: &'static str,
    type_name: &'static str,
    by: &'static [&'static str],
    roots: &'static [(RootKind, &'static str)],
) -> Expected {
    Expected { population, type_name, fate: Fate::Held { by, roots } }
}

const fn lost(population: &'static str, type_name: &'static str, cycle: &'static [&'static str]) -> Expected {
    Expected { population, type_name, fate: Fate::Lost { cycle } }
}

const EXTENSIONS: &str = "HashMap<TypeId, Box<dyn Any + Send + Sync>>";
/// Without a sample of the vector, its memory cannot tell `Some(Box)` from `Box`: they are the same words.
const OPTIONS: &str = "Vec<Option<Box<Outer>>>|Vec<Box<Outer>>";
/// Tokio's runtime holds tasks through the main thread, its workers and their thread-local variables.
const TOKIO: &[(RootKind, &str)] =
    &[(ThreadLocal, "*"), (Stack, "tokio*"), (Stack, "main*"), (Stack, "holders-truth*")];
/// Actix runs on its own threads and keeps its state in thread-local variables.
const ACTIX: &[(RootKind, &str)] = &[(ThreadLocal, "*"), (Stack, "actix*")];
/// The main thread has the queue, too, and so have the threads that churn.
const CONSUMER: &[(RootKind, &str)] =
    &[(Stack, "consumer"), (Stack, "churn*"), (Stack, "main*"), (Stack, "holders-truth*")];

pub(super) static POPULATIONS: [Expected; COUNT] = [
    // Maps, B-trees, rings and lists in statics.
    held(
        "sessions: users",
        "String",
        &["Arc<Session>", "HashMap<u64, Arc<Session>>"],
        &[(Static, "*SESSIONS*")],
    ),
    held(
        "sessions: carts",
        "Vec<CartLine>",
        &["Arc<Session>", "HashMap<u64, Arc<Session>>"],
        &[(Static, "*SESSIONS*")],
    ),
    held("sessions: Arc", "Arc<Session>", &["HashMap<u64, Arc<Session>>"], &[(Static, "*SESSIONS*")]),
    held("sessions: map", "HashMap<u64, Arc<Session>>", &[], &[(Static, "*SESSIONS*")]),
    held("pages: keys", "String", &["BTreeMap<String, Vec<PageWord>>"], &[(Static, "*PAGES*")]),
    held("pages: values", "Vec<PageWord>", &["BTreeMap<String, Vec<PageWord>>"], &[(Static, "*PAGES*")]),
    held(
        "pages: nodes",
        "BTreeMap<String, Vec<PageWord>>",
        &["BTreeMap<String, Vec<PageWord>>"],
        &[(Static, "*PAGES*")],
    ),
    held("readings: values", "Vec<Reading>", &["HashMap<u64, Vec<Reading>>"], &[(Static, "*READINGS*")]),
    held("readings: map", "HashMap<u64, Vec<Reading>>", &[], &[(Static, "*READINGS*")]),
    held("B-tree of strings: text", "String", &["BTreeSet<String>"], &[(Static, "*WORDS*")]),
    held("B-tree of strings: nodes", "BTreeSet<String>", &["BTreeSet<String>"], &[(Static, "*WORDS*")]),
    held(
        "nested maps: leaves",
        "Box<Leaf>",
        &["HashMap<u64, Box<Leaf>>", "HashMap<String, HashMap<u64, Box<Leaf>>>"],
        &[(Static, "*TENANTS*")],
    ),
    held(
        "nested maps: inner",
        "HashMap<u64, Box<Leaf>>",
        &["HashMap<String, HashMap<u64, Box<Leaf>>>"],
        &[(Static, "*TENANTS*")],
    ),
    held("nested maps: outer", "HashMap<String, HashMap<u64, Box<Leaf>>>", &[], &[(Static, "*TENANTS*")]),
    held(
        "OnceLock: boxes",
        "Box<RouteRule>",
        &["Box<[Box<RouteRule>]>|Vec<Box<RouteRule>>"],
        &[(Static, "*RULES*")],
    ),
    held("OnceLock: slice", "Box<[Box<RouteRule>]>|Vec<Box<RouteRule>>", &[], &[(Static, "*RULES*")]),
    held(
        "LazyLock: histograms",
        "Box<Histogram>",
        &["HashMap<u64, Box<Histogram>>"],
        &[(Static, "*METRICS*")],
    ),
    held("LazyLock: map", "HashMap<u64, Box<Histogram>>", &[], &[(Static, "*METRICS*")]),
    held("ring", "VecDeque<RingSample>", &[], &[(Static, "*RING*")]),
    held("binary heap", "BinaryHeap<Timer>", &[], &[(Static, "*TIMERS*")]),
    held("plain vector", "Vec<Point>", &[], &[(Static, "*POINTS*")]),
    held("LinkedList", "LinkedList<ListItem>", &["LinkedList<ListItem>"], &[(Static, "*LIST*")]),
    held("list of boxes", "Box<Link>", &["Box<Link>"], &[(Static, "*LINKS*")]),
    held(
        "Option<Box>: inner",
        "Box<InnerBody>",
        &["Box<Middle>", "Box<Outer>", OPTIONS],
        &[(Static, "*NESTED*")],
    ),
    held("Option<Box>: middle", "Box<Middle>", &["Box<Outer>", OPTIONS], &[(Static, "*NESTED*")]),
    held("Option<Box>: outer", "Box<Outer>", &[OPTIONS], &[(Static, "*NESTED*")]),
    held("Option<Box>: vector", OPTIONS, &[], &[(Static, "*NESTED*")]),
    held("emptied map", "HashMap<u64, EmptiedItem>", &[], &[(Static, "*EMPTIED*")]),
    held("moved: boxes", "Box<Moved>", &["Vec<Box<Moved>>"], &[(Static, "*MOVED*")]),
    held("moved: vector", "Vec<Box<Moved>>", &[], &[(Static, "*MOVED*")]),
    // Shared values and trait objects in statics.
    held("Bytes: buffers", "Bytes|Vec<u8>*", &["Bytes|Vec<Bytes>", "Vec<Bytes>"], &[(Static, "*SLICES*")]),
    held("Bytes: shared heads", "Bytes", &["Vec<Bytes>"], &[(Static, "*SLICES*")]),
    held("Bytes: vector", "Vec<Bytes>", &[], &[(Static, "*SLICES*")]),
    held("interned: text", "Arc<str>", &["HashSet<Arc<str>>"], &[(Static, "*INTERNED*")]),
    held("interned: set", "HashSet<Arc<str>>", &[], &[(Static, "*INTERNED*")]),
    held("Arc<[_]>: slices", "Arc<[Tick]>|Arc<[Tick; 6]>", &["Vec<Arc<[Tick]>>"], &[(Static, "*TICKS*")]),
    held("Arc<[_]>: vector", "Vec<Arc<[Tick]>>", &[], &[(Static, "*TICKS*")]),
    held("Weak: values", "Arc<Expired>", &["Vec<Weak<Expired>>"], &[(Static, "*EXPIRED*")]),
    held("Weak: vector", "Vec<Weak<Expired>>", &[], &[(Static, "*EXPIRED*")]),
    held(
        "plugins: rules",
        "Vec<PluginRule>",
        &["Box<RulePlugin>", "HashMap<String, Box<dyn Plugin>>"],
        &[(Static, "*PLUGINS*")],
    ),
    held(
        "plugins: trait objects",
        "Box<RulePlugin>",
        &["HashMap<String, Box<dyn Plugin>>"],
        &[(Static, "*PLUGINS*")],
    ),
    held("plugins: names", "String", &["HashMap<String, Box<dyn Plugin>>"], &[(Static, "*PLUGINS*")]),
    held("plugins: map", "HashMap<String, Box<dyn Plugin>>", &[], &[(Static, "*PLUGINS*")]),
    held(
        "callbacks: captured",
        "Vec<CallbackWord>",
        &["Box<closure in *shared::populate>", "Vec<Box<dyn Fn*>>"],
        &[(Static, "*CALLBACKS*")],
    ),
    held(
        "callbacks: closures",
        "Box<closure in *shared::populate>",
        &["Vec<Box<dyn Fn*>>"],
        &[(Static, "*CALLBACKS*")],
    ),
    held("callbacks: vector", "Vec<Box<dyn Fn*>>", &[], &[(Static, "*CALLBACKS*")]),
    // Containers of crates in statics.
    // A shard of a DashMap is a hash table, and a name that is inferred from its contents says no more.
    held(
        "DashMap: boxes",
        "Box<DashEntry>",
        &["DashMap<u64, Box<DashEntry>>|HashMap<u64, Box<DashEntry>>", "DashMap<u64, Box<DashEntry>>"],
        &[(Static, "*DASH*")],
    ),
    held(
        "DashMap: shards",
        "DashMap<u64, Box<DashEntry>>",
        &["DashMap<u64, Box<DashEntry>>"],
        &[(Static, "*DASH*")],
    ),
    held("moka: values", "Arc<Thumbnail>", &["*ValueEntry*", REST], &[(Static, "*THUMBNAILS*")]),
    held(
        "moka: entries",
        "*ValueEntry*|*EntryInfo*|*DeqNode*|Arc<u64>",
        &["*", REST],
        &[(Static, "*THUMBNAILS*")],
    ),
    held("slab: buffers", "Vec<PeerWord>", &["Slab<Peer>"], &[(Static, "*PEERS*")]),
    held("slab", "Slab<Peer>", &[], &[(Static, "*PEERS*")]),
    held(
        "crossbeam: boxes",
        "Box<CrossbeamMessage>",
        &["crossbeam::channel<Box<CrossbeamMessage>>", REST],
        &[(Static, "*CROSSBEAM*")],
    ),
    held(
        "crossbeam: blocks",
        "crossbeam::channel<Box<CrossbeamMessage>>",
        &["crossbeam::channel<Box<CrossbeamMessage>>", REST],
        &[(Static, "*CROSSBEAM*")],
    ),
    // Tokio and std: tasks, channels and futures.
    held("tasks: owned", "Vec<TaskRecord>", &["task *tasks::connection", REST], TOKIO),
    held("tasks: cells", "task *tasks::connection", &["*", REST], TOKIO),
    held(
        "tokio mpsc: boxes",
        "Box<MpscMessage>",
        &["mpsc::channel<Box<MpscMessage>>", REST],
        &[(Static, "*MPSC*")],
    ),
    held(
        "tokio mpsc: blocks",
        "mpsc::channel<Box<MpscMessage>>",
        &["mpsc::channel<Box<MpscMessage>>", REST],
        &[(Static, "*MPSC*")],
    ),
    held(
        "tokio broadcast: values",
        "Arc<BroadcastMessage>",
        &["broadcast::channel<Arc<BroadcastMessage>>", REST],
        &[(Static, "*BROADCAST*")],
    ),
    held(
        "tokio broadcast: slots",
        "broadcast::channel<Arc<BroadcastMessage>>",
        &["*", REST],
        &[(Static, "*BROADCAST*")],
    ),
    held(
        "std channel: boxes",
        "Box<StdMessage>",
        &["mpsc::channel<Box<StdMessage>>", REST],
        &[(Static, "*STD_CHANNEL*")],
    ),
    held(
        "std channel: blocks",
        "mpsc::channel<Box<StdMessage>>",
        &["mpsc::channel<Box<StdMessage>>", REST],
        &[(Static, "*STD_CHANNEL*")],
    ),
    held(
        "boxed futures: owned",
        "Vec<FutureRecord>",
        &["Box<async fn *tasks::waiting>", "Vec<Pin<Box<dyn Future*>>>"],
        &[(Static, "*FUTURES*")],
    ),
    held(
        "boxed futures: boxes",
        "Box<async fn *tasks::waiting>",
        &["Vec<Pin<Box<dyn Future*>>>"],
        &[(Static, "*FUTURES*")],
    ),
    held("boxed futures: vector", "Vec<Pin<Box<dyn Future*>>>", &[], &[(Static, "*FUTURES*")]),
    // The state of servers.
    held(
        "axum state: entries",
        "Vec<LedgerEntry>",
        &["Arc<RwLock<Account>>", "HashMap<u64, Arc<RwLock<Account>>>", REST],
        TOKIO,
    ),
    held(
        "axum state: accounts",
        "Arc<RwLock<Account>>",
        &["HashMap<u64, Arc<RwLock<Account>>>", REST],
        TOKIO,
    ),
    held("axum state: map", "HashMap<u64, Arc<RwLock<Account>>>", &["*", REST], TOKIO),
    held("actix state: products", "Box<Product>", &["HashMap<u64, Box<Product>>", REST], ACTIX),
    held("actix state: map", "HashMap<u64, Box<Product>>", &["*", REST], ACTIX),
    // Spans of tracing.
    held("spans: owned", "Vec<BaggageWord>", &["Box<SpanBaggage>", REST], &[(Static, "*")]),
    held("spans: extensions", "Box<SpanBaggage>", &[EXTENSIONS, REST], &[(Static, "*")]),
    held("spans: maps of extensions", EXTENSIONS, &["*", REST], &[(Static, "*")]),
    held("spans: registry", "Vec<Span>|Vec<Slot<DataInner*", &["*", REST], &[(Static, "*")]),
    // Threads.
    held(
        "jobs: bodies",
        "Vec<MailWord>",
        &["Box<MailJob>", "VecDeque<Box<dyn Job>>", "Arc<Mutex<VecDeque<Box<dyn Job>>>>"],
        CONSUMER,
    ),
    held(
        "jobs: mail",
        "Box<MailJob>",
        &["VecDeque<Box<dyn Job>>", "Arc<Mutex<VecDeque<Box<dyn Job>>>>"],
        CONSUMER,
    ),
    held(
        "jobs: pay",
        "Box<PayJob>",
        &["VecDeque<Box<dyn Job>>", "Arc<Mutex<VecDeque<Box<dyn Job>>>>"],
        CONSUMER,
    ),
    held("jobs: queue", "VecDeque<Box<dyn Job>>", &["Arc<Mutex<VecDeque<Box<dyn Job>>>>"], CONSUMER),
    held(
        "shared: boxes",
        "Box<SharedItem>",
        &["Vec<Box<SharedItem>>", "Arc<Mutex<Vec<Box<SharedItem>>>>"],
        &[(Static, "*SHARED*")],
    ),
    held(
        "shared: vector",
        "Vec<Box<SharedItem>>",
        &["Arc<Mutex<Vec<Box<SharedItem>>>>"],
        &[(Static, "*SHARED*")],
    ),
    held("thread_local: inner", "Vec<LocalWord>", &["Vec<Vec<LocalWord>>"], &[(ThreadLocal, "*LOCALS*")]),
    held("thread_local: outer", "Vec<Vec<LocalWord>>", &[], &[(ThreadLocal, "*LOCALS*")]),
    held("stack: boxes", "Box<Parked>", &["Vec<Box<Parked>>"], &[(Stack, "parked")]),
    held("stack: vector", "Vec<Box<Parked>>", &[], &[(Stack, "parked")]),
    held(
        "tree: nodes",
        "Rc<RefCell<TreeNode>>",
        &["Vec<Rc<RefCell<TreeNode>>>|Rc<RefCell<TreeNode>>", REST],
        &[(Stack, "tree")],
    ),
    held(
        "tree: children",
        "Vec<Rc<RefCell<TreeNode>>>",
        &["Rc<RefCell<TreeNode>>", REST],
        &[(Stack, "tree")],
    ),
    // Planted leaks.
    lost("leak: Arc cycle", "Arc<CycleNode>", &["Arc<CycleNode>"]),
    lost("leak: held by a cycle", "Vec<CycleWord>", &[]),
    lost("leak: Rc that holds itself", "Rc<RcNode>", &["Rc<RcNode>"]),
    lost("leak: forgotten vectors", "Vec<ForgottenWord>", &[]),
    lost("leak: forgotten tree", "Box<LostRoot>", &[]),
    lost("leak: vector of children", "Vec<Box<LostChild>>", &[]),
    lost("leak: children", "Box<LostChild>", &[]),
    // Memory that only unused capacity points to.
    Expected { population: "spare capacity: boxes", type_name: "Box<Stale>", fate: Fate::Stale },
    held("spare capacity: vector", "Vec<Box<Stale>>", &[], &[(Static, "*STALE*")]),
];
