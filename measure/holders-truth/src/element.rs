//! One element type for each population, so that the name of a type identifies its population.

/// An element of a population.
pub(crate) trait Element: Send + Sync + 'static {
    /// The element number `n`.
    fn nth(n: u64) -> Self;

    /// A word of it, for code that uses an element.
    fn first(&self) -> u64;
}

/// The first `count` elements.
pub(crate) fn elements<E: Element>(count: u64) -> Vec<E> {
    (0..count).map(E::nth).collect()
}

/// A number with random bits (SplitMix64).
pub(crate) fn random(n: u64) -> u64 {
    let mixed = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

macro_rules! element_types {
    ($word:expr; $($name:ident $words:literal)+) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name([u64; $words]);

        impl Element for $name {
            fn nth(n: u64) -> Self {
                let word: fn(u64, u64) -> u64 = $word;
                Self(std::hint::black_box(std::array::from_fn(|at| word(n, at as u64))))
            }

            fn first(&self) -> u64 {
                self.0[0]
            }
        }
    )+};
}

// Name and size in words. No two types of the same kind of container have the same size. Otherwise the compiler could
// merge the functions of the container, and a stack could not tell the types apart.
element_types! { |n, _| n;
    CartLine 6
    MailHead 12
    PayJobCard 24
    ListItem 29
    LinkBody 18
    EmptiedItem 8
    Moved 64
    RouteRule 22
    Histogram 40
    TaskRecord 7
    MpscMessage 26
    StdMessage 28
    CrossbeamMessage 30
    DashEntry 33
    PeerHead 11
    FutureRecord 9
    CycleBody 16
    LostHead 60
    LostChild 25
    RcBody 20
    RingSample 3
    Timer 4
    TreeBody 14
    OuterBody 15
    MiddleBody 21
    InnerBody 27
    Tick 5
    Expired 32
    Product 23
    AccountHead 13
    Leaf 31
    Point 2
    SharedItem 34
}
// Words with random bits, as in compressed or encrypted data. Some of them look like pointers.
element_types! { |n, at| random(n.wrapping_mul(1_000_003).wrapping_add(at));
    PageWord 10
    MailWord 17
    LocalWord 19
    Parked 44
    BroadcastMessage 46
    Thumbnail 48
    PeerWord 35
    BaggageWord 36
    CycleWord 37
    ForgottenWord 38
    Stale 42
    Reading 39
    PluginRule 41
    CallbackWord 43
    LedgerEntry 45
}
