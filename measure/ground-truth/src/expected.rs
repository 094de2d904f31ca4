//! The populations, and the rows in which each may appear.

/// Populations and their rows: the type as the code names it, or the type that the container allocates. Several
/// populations can share a row.
static POPULATIONS: [(&str, &[&str]); COUNT] = [
    // Collections.
    ("Vec, pushed", &["Vec<VecPushed>"]),
    ("Vec, pushed (twin)", &["Vec<VecTwin>"]),
    ("Vec, collected", &["Vec<VecCollected>"]),
    ("Vec, filled", &["Vec<VecFilled>"]),
    ("Vec, written out", &["Vec<VecWritten>"]),
    ("Vec, cloned", &["Vec<VecCloned>"]),
    ("Vec, collected in place", &["Vec<VecInPlace>"]),
    ("Vec, collected in place and shrunk", &["Vec<VecShrunk>"]),
    ("Vec<Vec<_>>", &["Vec<Vec<VecInner>>"]),
    ("Vec<_> in a Vec", &["Vec<VecInner>"]),
    ("Box<[_]>", &["Box<[SliceItem]>"]),
    ("container of this crate", &["Vec<RingItem>"]),
    ("VecDeque", &["VecDeque<DequeItem>"]),
    ("VecDeque (twin)", &["VecDeque<DequeTwin>"]),
    ("BinaryHeap", &["BinaryHeap<HeapItem>"]),
    ("BinaryHeap (twin)", &["BinaryHeap<Reverse<HeapTwin>>"]),
    ("LinkedList", &["LinkedList<ListItem>"]),
    ("HashMap, inserted", &["HashMap<u64, MapValue>"]),
    ("HashMap, inserted (twin)", &["HashMap<u64, MapTwin>"]),
    ("HashMap, collected", &["HashMap<u64, MapCollected>"]),
    ("HashMap, cloned", &["HashMap<u32, MapCloned>"]),
    ("HashMap with owned keys", &["HashMap<String, u64>"]),
    ("HashSet", &["HashSet<SetItem>"]),
    ("HashSet (twin)", &["HashSet<SetTwin>"]),
    ("BTreeMap, inserted", &["BTreeMap<u64, TreeValue>"]),
    ("BTreeMap, inserted (twin)", &["BTreeMap<u64, TreeTwin>"]),
    ("BTreeMap, collected", &["BTreeMap<u64, TreeCollected>"]),
    ("BTreeSet", &["BTreeSet<TreeSetItem>"]),
    ("BTreeSet (twin)", &["BTreeSet<TreeSetTwin>"]),
    // Text and bytes.
    ("String", &["String"]),
    ("Vec<String>", &["Vec<String>"]),
    ("PathBuf", &["PathBuf"]),
    ("Arc<Path>", &["Arc<Path>"]),
    ("CString", &["CString"]),
    ("OsString", &["OsString"]),
    ("Arc<str>", &["Arc<str>"]),
    ("Arc<[u8]>", &["Arc<[u8]>"]),
    ("Box<str>", &["Box<str>"]),
    ("Box<[u8]>", &["Box<[u8]> in boxed_bytes (src/text.rs)"]),
    ("Vec<u8>", &["Vec<u8> in byte_vectors (src/text.rs)"]),
    ("Bytes", &["Bytes"]),
    // Includes what the servers of `connections` allocate while they fill their buffers.
    (
        "BytesMut",
        &[
            "BytesMut",
            "Box<Sleep>",
            "VecDeque<DispatcherMessage>",
            "Box<StatusInner>",
            "Box<MapFrame<Full<Bytes>, closure in tonic::codec::decode::new>>",
        ],
    ),
    // Boxes and shared values.
    ("Box", &["Box<Boxed>"]),
    ("Box (twin)", &["Box<BoxedTwin>"]),
    ("Box<[_; 2]>", &["Box<[BoxedArray; 2]>"]),
    ("Option<Box>", &["Box<BoxedOption>"]),
    ("Box<dyn _>", &["Box<BoxedDyn>"]),
    ("Rc", &["Rc<RcItem>"]),
    ("Rc<[_]>", &["Rc<[RcSliceItem]>"]),
    ("Rc<str>", &["Rc<str>"]),
    ("Rc<[u8]>", &["Rc<[u8]>"]),
    ("Arc", &["Arc<ArcItem>"]),
    ("Arc (twin)", &["Arc<ArcTwin>"]),
    ("Arc<[_]>", &["Arc<[ArcSliceItem]>"]),
    ("Arc<Mutex>", &["Arc<Mutex<ArcMutexItem>>"]),
    ("Arc<parking_lot::RwLock>", &["Arc<RwLock<RawRwLock, ParkingItem>>"]),
    ("std::sync::mpsc", &["mpsc::channel<StdChannelItem>"]),
    ("std::sync::mpsc (twin)", &["mpsc::channel<StdChannelTwin>"]),
    ("std::sync::mpsc, bounded", &["mpsc::channel<StdSyncItem>"]),
    ("Box<dyn Fn>", &["Box<closure in ground_truth::shared::callbacks>"]),
    // Crates.
    ("DashMap", &["DashMap<u64, DashValue>"]),
    ("DashMap (twin)", &["DashMap<u64, DashTwin>"]),
    ("DashSet", &["DashSet<DashSetItem>"]),
    ("IndexMap", &["IndexMap<u64, IndexValue>"]),
    ("IndexMap (twin)", &["IndexMap<u64, IndexTwin>"]),
    ("IndexSet", &["IndexSet<IndexSetItem>"]),
    ("SmallVec, spilled", &["SmallVec<[SmallItem; 2]>"]),
    ("Slab", &["Slab<SlabItem>"]),
    ("Slab (twin)", &["Slab<SlabTwin>"]),
    (
        "slot maps",
        &[
            "SlotMap<DefaultKey, SlotItem>",
            "DenseSlotMap<DefaultKey, DenseItem>",
            "SecondaryMap<DefaultKey, SecondaryItem>",
            "SparseSecondaryMap<DefaultKey, SparseItem>",
        ],
    ),
    ("crossbeam channel, bounded", &["crossbeam::channel<CrossbeamBounded>"]),
    ("crossbeam channel, unbounded", &["crossbeam::channel<CrossbeamUnbounded>"]),
    ("crossbeam channel, unbounded (twin)", &["crossbeam::channel<CrossbeamTwin>"]),
    ("SegQueue", &["SegQueue<QueueItem>"]),
    ("ArrayQueue", &["ArrayQueue<ArrayQueueItem>"]),
    ("ThinVec", &["thin_vec<ThinItem>"]),
    ("triomphe::Arc", &["Box<ArcInner<TriompheItem>>"]),
    ("HeaderMap", &["HeaderMap<HeaderItem>"]),
    ("HeaderMap (twin)", &["HeaderMap<HeaderTwin>"]),
    ("serde_json::Value", &["BTreeMap<String, Value>", "Vec<Value>"]),
    ("map of a message", &["HashMap<u64, f64>"]),
    ("bytes of a message", &["Vec<u8> in merge_field (src/messages.rs)"]),
    ("messages in a message", &["Vec<OrderLine>"]),
    ("numbers in a message", &["Vec<i64>"]),
    ("arrow buffers", &["arrow_buffer::Buffer in closure in ground_truth::buffers::populate"]),
    (
        "connections of hyper",
        &[
            "Vec<u8> in closure in ground_truth::connections::of_hyper",
            "Box<Connection<SlowClient, ServiceFn<fn(Request<Incoming>) -> async fn ground_truth::connections::answer, Incoming>>>",
            "Box<Option<async fn ground_truth::connections::answer>>",
            "Box<Option<Full<Bytes>>>",
        ],
    ),
    (
        "connections of actix",
        &[
            "Box<HttpServiceHandlerResponse<SlowClient, FnService<closure in ground_truth::connections::of_actix, async block in ground_truth::connections::of_actix, Request<Pin<Box<dyn Stream<Item=Result<Bytes, PayloadError>>>>>, Response<Bytes>, Infallible>, Bytes, ExpectHandler, UpgradeHandler>>",
        ],
    ),
    (
        "streams of tonic",
        &["Box<Streaming<usize>>", "Box<EncodeBody<Plain, Iter<IntoIter<Result<&[u8], Status>, 1>>>>"],
    ),
    ("escaped text of a form", &["Vec<u8> in visit_map (src/extracted.rs)"]),
    ("body by serde_json", &["Vec<SliceRecord>"]),
    ("body by serde_path_to_error", &["Vec<PathErrorRecord>"]),
    ("body by axum's Json", &["Vec<AxumRecord>"]),
    ("body by actix's Json", &["Vec<ActixRecord>"]),
    // Tokio.
    ("task", &["task ground_truth::asynchronous::session"]),
    ("task (twin)", &["task ground_truth::asynchronous::standby"]),
    ("task of an async block", &["task async block in ground_truth::asynchronous::tasks"]),
    ("Pin<Box<dyn Future>>", &["Box<async fn ground_truth::asynchronous::waiting>"]),
    ("Vec, held by a task", &["Vec<TaskHeld>"]),
    ("tokio mpsc, bounded", &["mpsc::channel<MpscBounded>"]),
    ("tokio mpsc, unbounded", &["mpsc::channel<MpscUnbounded>"]),
    ("tokio mpsc, unbounded (twin)", &["mpsc::channel<UnboundedTwin>"]),
    ("tokio oneshot", &["oneshot::channel<OneshotItem>"]),
    ("tokio oneshot (twin)", &["oneshot::channel<OneshotTwin>"]),
    ("tokio broadcast", &["broadcast::channel<BroadcastItem>"]),
    ("tokio watch", &["watch::channel<WatchItem>"]),
    ("Arc<tokio::sync::Mutex>", &["Arc<Mutex<AsyncMutexItem>>"]),
    ("futures mpsc, bounded", &["mpsc::channel<FuturesBounded>"]),
    ("futures mpsc, unbounded", &["mpsc::channel<FuturesUnbounded>"]),
    ("futures mpsc, unbounded (twin)", &["mpsc::channel<FuturesTwin>"]),
    ("futures oneshot", &["oneshot::channel<FuturesOneshot>"]),
];

/// The number of populations.
pub(crate) const COUNT: usize = 110;

/// The names of all populations, and their rows.
pub(crate) fn populations() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    POPULATIONS.iter().copied()
}

/// The index of a population.
pub(crate) fn position(population: &str) -> usize {
    let found = POPULATIONS.iter().position(|(name, _)| *name == population);
    found
        .unwrap_or_else(|| panic!("the population `{population}` is not in the list of expected populations"))
}
