//! One element type for each population.

use std::hash::Hash;

/// An element of a population.
pub(crate) trait Element: Clone + Eq + Hash + Ord + Send + Sync + 'static {
    /// The element number `n`. Different numbers give different elements.
    fn nth(n: u64) -> Self;
}

/// The first `count` elements.
pub(crate) fn elements<E: Element>(count: u64) -> impl Iterator<Item = E> {
    (0..count).map(E::nth)
}

macro_rules! element_types {
    ($($name:ident $words:literal)+) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name([u64; $words]);

        impl Element for $name {
            fn nth(n: u64) -> Self {
                Self(std::hint::black_box([n; $words]))
            }
        }
    )+};
}

// Name and size in words. A twin has the size of the type before it, so the compiler merges the container's functions
// for both types. The functions of this program that use them must differ: if they had the same machine code, the
// stack could not tell the types apart. The same is true of a container's own function that is not inlined. So
// `BinaryHeap::push` compares the twins in reverse order, and `SegQueue`, `SmallVec` and others have no twins.
element_types! {
    VecPushed 3  VecTwin 3
    VecCollected 5
    VecFilled 7
    VecCloned 9
    VecInPlace 11
    VecInner 13
    DequeItem 4  DequeTwin 4
    HeapItem 6  HeapTwin 6
    MapValue 8  MapTwin 8
    MapCollected 10
    MapCloned 12
    SetItem 2  SetTwin 2
    TreeValue 14  TreeTwin 14
    TreeCollected 15
    TreeSetItem 3  TreeSetTwin 3
    ListItem 16
    Boxed 60  BoxedTwin 60
    BoxedOption 62
    BoxedDyn 64
    SliceItem 17
    RingItem 18
    RcItem 66
    RcSliceItem 5
    ArcItem 68  ArcTwin 68
    ArcSliceItem 19
    ArcMutexItem 70
    ParkingItem 72
    DashValue 20  DashTwin 20
    IndexValue 21  IndexTwin 21
    IndexSetItem 22
    SmallItem 23
    SlabItem 24  SlabTwin 24
    CrossbeamBounded 25
    CrossbeamUnbounded 26  CrossbeamTwin 26
    QueueItem 27
    HeaderItem 28  HeaderTwin 28
    TaskHeld 29
    MpscBounded 30
    MpscUnbounded 31  UnboundedTwin 31
    OneshotItem 74  OneshotTwin 74
    BroadcastItem 33
    StdChannelItem 34  StdChannelTwin 34
    VecShrunk 3
    VecWritten 41
    BoxedArray 42
    ArrayQueueItem 35
    DashSetItem 36
    WatchItem 76
    AsyncMutexItem 78
    FuturesBounded 37
    FuturesUnbounded 38  FuturesTwin 38
    FuturesOneshot 80
    ThinItem 39
    TriompheItem 82
    StdSyncItem 40
    SlotItem 43
    DenseItem 44
    SecondaryItem 45
    SparseItem 46
}
