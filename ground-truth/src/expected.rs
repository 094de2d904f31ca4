//! The populations, and the rows of the table each may appear in.

/// Populations and their rows: the type as its code calls it, or the type that the container allocates. Rows of
/// several populations are shared by all of them.
static POPULATIONS: [(&str, &[&str]); COUNT] = [
    // Collections.
    ("Vec, pushed", &["Vec<VecPushed>"]),
    ("Vec, pushed (twin)", &["Vec<VecTwin>"]),
    ("Vec, collected", &["Vec<VecCollected>"]),
    ("Vec, filled", &["Vec<VecFilled>"]),
    ("Vec, cloned", &["Vec<VecCloned>"]),
    ("Vec, collected in place", &["Vec<VecInPlace>"]),
    ("Vec<Vec<_>>", &["Vec<Vec<VecInner>>"]),
    ("Vec<_> in a Vec", &["Vec<VecInner>"]),
    ("Box<[_]>", &["Box<[SliceItem]>"]),
    ("container of this crate", &["Vec<RingItem>"]),
    ("VecDeque", &["VecDeque<DequeItem>"]),
    ("BinaryHeap", &["BinaryHeap<HeapItem>"]),
    ("LinkedList", &["LinkedList<ListItem>"]),
    ("HashMap, inserted", &["HashMap<u64, MapValue>"]),
    ("HashMap, inserted (twin)", &["HashMap<u64, MapTwin>"]),
    ("HashMap, collected", &["HashMap<u64, MapCollected>"]),
    ("HashMap, cloned", &["HashMap<u32, MapCloned>"]),
    ("HashMap with owned keys", &["HashMap<String, u64>"]),
    ("HashSet", &["HashSet<SetItem>"]),
    ("BTreeMap, inserted", &["BTreeMap<u64, TreeValue>"]),
    ("BTreeMap, inserted (twin)", &["BTreeMap<u64, TreeTwin>"]),
    ("BTreeMap, collected", &["BTreeMap<u64, TreeCollected>"]),
    ("BTreeSet", &["BTreeSet<TreeSetItem>"]),
    // Text and bytes.
    ("String", &["String"]),
    ("Vec<String>", &["Vec<String>"]),
    ("PathBuf", &["PathBuf"]),
    ("CString", &["CString"]),
    ("OsString", &["OsString"]),
    ("Arc<str>", &["Arc<str>", "Arc<[u8]>"]),
    ("Box<str>", &["Box<str>", "Box<[u8]>"]),
    ("Vec<u8>", &["Vec<u8>"]),
    ("Bytes", &["Bytes"]),
    ("BytesMut", &["BytesMut"]),
    // Boxes and shared values.
    ("Box", &["Box<Boxed>"]),
    ("Box (twin)", &["Box<BoxedTwin>"]),
    ("Option<Box>", &["Box<BoxedOption>"]),
    ("Box<dyn _>", &["Box<BoxedDyn>"]),
    ("Rc", &["Rc<RcItem>"]),
    ("Rc<[_]>", &["Rc<[RcSliceItem]>"]),
    ("Arc", &["Arc<ArcItem>"]),
    ("Arc (twin)", &["Arc<ArcTwin>"]),
    ("Arc<[_]>", &["Arc<[ArcSliceItem]>"]),
    ("Arc<Mutex>", &["Arc<Mutex<ArcMutexItem>>"]),
    ("Arc<parking_lot::RwLock>", &["Arc<RwLock<RawRwLock, ParkingItem>>"]),
    ("std::sync::mpsc", &["Box<Block<StdChannelItem>>", "Box<Counter<Channel<StdChannelItem>>>"]),
    // Crates.
    ("DashMap", &["DashMap<u64, DashValue>", DASH_SHARDS]),
    ("IndexMap", &["IndexMap<u64, IndexValue>"]),
    ("IndexSet", &["IndexSet<IndexSetItem>"]),
    ("SmallVec, spilled", &["SmallVec<[SmallItem; 2]>"]),
    ("Slab", &["Slab<SlabItem>", "Vec<Entry<SlabItem>>"]),
    (
        "crossbeam channel, bounded",
        &["Box<[Slot<CrossbeamBounded>]>", "Box<Counter<Channel<CrossbeamBounded>>>"],
    ),
    (
        "crossbeam channel, unbounded",
        &[
            "Box<Block<CrossbeamUnbounded>>",
            "crossbeam_channel<CrossbeamUnbounded>",
            "Box<Counter<Channel<CrossbeamUnbounded>>>",
        ],
    ),
    ("SegQueue", &["Box<Block<QueueItem>>", "crossbeam_queue<QueueItem>"]),
    (
        "HeaderMap",
        &[
            "HeaderMap<HeaderItem>",
            "Vec<Bucket<HeaderItem>>",
            "Vec<ExtraValue<HeaderItem>>",
            "Vec<Pos>",
            "Box<[Pos]>",
        ],
    ),
    ("serde_json::Value", &["BTreeMap<String, Value>", "Vec<Value>"]),
    // Tokio.
    ("task", &["task ground_truth::asynchronous::session"]),
    ("Vec, held by a task", &["Vec<TaskHeld>"]),
    ("tokio mpsc, bounded", &["mpsc::channel<MpscBounded>", "Arc<Chan<MpscBounded, Semaphore>>"]),
    ("tokio mpsc, unbounded", &["mpsc::channel<MpscUnbounded>", "Arc<Chan<MpscUnbounded, Semaphore>>"]),
    ("tokio oneshot", &["Arc<Inner<OneshotItem>>"]),
    ("tokio broadcast", &["Box<[Mutex<Slot<BroadcastItem>>]>", "Arc<Shared<BroadcastItem>>"]),
    // The program itself.
    ("rows of the empty program", &["BTreeMap<(&str, bool), u64>"]),
];

const DASH_SHARDS: &str =
    "Box<[CachePadded<RwLock<RawRwLock, RawTable<(u64, SharedValue<DashValue>), Global>>>]>";

/// How many populations there are.
pub(crate) const COUNT: usize = 62;

/// Names of all populations, and their rows.
pub(crate) fn populations() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    POPULATIONS.iter().copied()
}

/// Where a population stands.
pub(crate) fn position(population: &str) -> usize {
    let found = POPULATIONS.iter().position(|(name, _)| *name == population);
    found.unwrap_or_else(|| panic!("no population `{population}` is expected"))
}
