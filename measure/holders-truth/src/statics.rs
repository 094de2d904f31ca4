//! Populations that statics hold: maps, B-trees, rings and lists.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, LinkedList, VecDeque};
use std::hint::black_box;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, RwLock};

use crate::element::*;
use crate::ledger::own;
use crate::scale::count;

/// A session of a web shop.
pub(crate) struct Session {
    user: String,
    cart: Vec<CartLine>,
    hits: u64,
}

pub(crate) static SESSIONS: LazyLock<RwLock<HashMap<u64, Arc<Session>>>> = LazyLock::new(Default::default);
pub(crate) static PAGES: OnceLock<RwLock<BTreeMap<String, Vec<PageWord>>>> = OnceLock::new();
pub(crate) static READINGS: RwLock<Option<HashMap<u64, Vec<Reading>>>> = RwLock::new(None);
static WORDS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static TENANTS: LazyLock<RwLock<HashMap<String, HashMap<u64, Box<Leaf>>>>> = LazyLock::new(Default::default);
static RULES: OnceLock<Box<[Box<RouteRule>]>> = OnceLock::new();
static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
static RING: Mutex<VecDeque<RingSample>> = Mutex::new(VecDeque::new());
static TIMERS: Mutex<BinaryHeap<Timer>> = Mutex::new(BinaryHeap::new());
static POINTS: Mutex<Vec<Point>> = Mutex::new(Vec::new());
static LIST: Mutex<LinkedList<ListItem>> = Mutex::new(LinkedList::new());
static LINKS: Mutex<Option<Box<Link>>> = Mutex::new(None);
static NESTED: Mutex<Vec<Option<Box<Outer>>>> = Mutex::new(Vec::new());
static EMPTIED: LazyLock<Mutex<HashMap<u64, EmptiedItem>>> = LazyLock::new(Default::default);
static MOVED: Mutex<Vec<Box<Moved>>> = Mutex::new(Vec::new());

struct Metrics {
    by_name: HashMap<u64, Box<Histogram>>,
}

impl Metrics {
    fn new() -> Self {
        let metric = |n| (n, own("LazyLock: histograms", || Box::new(Histogram::nth(n))));
        Self { by_name: own("LazyLock: map", || (0..count(60_000)).map(metric).collect()) }
    }
}

/// A list of its own.
struct Link {
    body: LinkBody,
    next: Option<Box<Link>>,
}

struct Outer {
    body: OuterBody,
    inner: Option<Box<Middle>>,
}

struct Middle {
    body: MiddleBody,
    inner: Option<Box<InnerBody>>,
}

pub(crate) fn sessions() -> u64 {
    count(120_000)
}

/// Replaces one session. Returns a word of the session before, so that the compiler cannot leave it out.
pub(crate) fn put_session(n: u64) -> u64 {
    let session = session(n);
    let key = n % sessions();
    let mut sessions = SESSIONS.write().unwrap_or_else(PoisonError::into_inner);
    let old = own("sessions: map", || sessions.insert(key, session));
    drop(sessions);
    old.map_or(0, |old| old.hits + old.user.len() as u64 + old.cart.first().map_or(0, Element::first))
}

fn session(n: u64) -> Arc<Session> {
    let user = own("sessions: users", || format!("user-{n:0>45}"));
    let cart = own("sessions: carts", || elements::<CartLine>(4 + n % 3));
    own("sessions: Arc", || Arc::new(Session { user, cart, hits: n }))
}

/// Puts a page into the cache. Removes the first one if `replace`.
pub(crate) fn put_page(n: u64, replace: bool) -> u64 {
    let key = own("pages: keys", || format!("/page/{:0>84}", random(n)));
    let page: Vec<PageWord> = own("pages: values", || elements(3 + n % 4));
    let pages = PAGES.get_or_init(RwLock::default);
    let mut pages = pages.write().unwrap_or_else(PoisonError::into_inner);
    let old = if replace { pages.pop_first() } else { None };
    own("pages: nodes", || pages.insert(key, page));
    drop(pages);
    old.map_or(0, |(key, page)| key.len() as u64 + page[0].first())
}

pub(crate) fn readings() -> u64 {
    count(60_000)
}

/// Replaces the readings of one sensor.
pub(crate) fn put_readings(n: u64) -> u64 {
    let fresh: Vec<Reading> = own("readings: values", || vec![Reading::nth(n)]);
    let key = n % readings();
    let mut readings = READINGS.write().unwrap_or_else(PoisonError::into_inner);
    let old = own("readings: map", || readings.get_or_insert_default().insert(key, fresh));
    drop(readings);
    old.map_or(0, |old| old[0].first())
}

pub(crate) fn populate() {
    for n in 0..sessions() {
        black_box(put_session(n));
    }
    for n in 0..count(50_000) {
        black_box(put_page(n, false));
    }
    for n in 0..readings() {
        black_box(put_readings(n));
    }
    own("B-tree of strings: nodes", || {
        let mut words = WORDS.lock().expect("not poisoned");
        for n in 0..count(120_000) {
            words.insert(own("B-tree of strings: text", || format!("word-{:0>70}", random(n))));
        }
    });
    own("nested maps: outer", || {
        let mut tenants = TENANTS.write().expect("not poisoned");
        for tenant in 0..count(40) {
            let map = own("nested maps: inner", || {
                let leaf = |n| (n, own("nested maps: leaves", || Box::new(Leaf::nth(n))));
                (0..1_500).map(leaf).collect()
            });
            tenants.insert(format!("tenant-{tenant}"), map);
        }
    });
    own("OnceLock: slice", || {
        let rule = |n| own("OnceLock: boxes", || Box::new(RouteRule::nth(n)));
        RULES.get_or_init(|| (0..count(80_000)).map(rule).collect());
    });
    assert!(METRICS.by_name.len() as u64 == count(60_000));
    own("ring", || RING.lock().expect("not poisoned").extend((0..count(350_000)).map(RingSample::nth)));
    own("binary heap", || {
        let mut timers = TIMERS.lock().expect("not poisoned");
        (0..count(300_000)).for_each(|n| timers.push(Timer::nth(random(n))));
    });
    own("plain vector", || {
        let mut points = POINTS.lock().expect("not poisoned");
        (0..count(700_000)).for_each(|n| points.push(Point::nth(n)));
    });
    own("LinkedList", || {
        let mut list = LIST.lock().expect("not poisoned");
        (0..count(50_000)).for_each(|n| list.push_back(ListItem::nth(n)));
    });
    own("list of boxes", || {
        let mut first = LINKS.lock().expect("not poisoned");
        for n in 0..count(80_000) {
            *first = Some(Box::new(Link { body: LinkBody::nth(n), next: first.take() }));
        }
    });
    nested();
    emptied_and_moved();
    assert!(LINKS.lock().expect("not poisoned").as_ref().is_some_and(|link| link.length() > 0));
}

impl Link {
    /// Counts without recursion: the list is longer than the stack.
    fn length(&self) -> u64 {
        let links = std::iter::successors(Some(self), |link| link.next.as_deref());
        links.map(|link| 1 + link.body.first() / u64::MAX).sum()
    }
}

fn nested() {
    own("Option<Box>: vector", || {
        let mut all = NESTED.lock().expect("not poisoned");
        for n in 0..count(60_000) {
            let inner = own("Option<Box>: inner", || Box::new(InnerBody::nth(n)));
            let middle = own("Option<Box>: middle", || {
                Box::new(Middle { body: MiddleBody::nth(n), inner: Some(inner) })
            });
            let outer = own("Option<Box>: outer", || {
                Box::new(Outer { body: OuterBody::nth(n), inner: Some(middle) })
            });
            all.push(Some(outer));
        }
        let words = all.iter().flatten().map(|outer| {
            let middle = outer.inner.as_ref().expect("planted");
            outer.body.first() ^ middle.body.first() ^ middle.inner.as_ref().map_or(0, |inner| inner.first())
        });
        std::hint::black_box(words.fold(0, |all, word| all ^ word));
    });
}

fn emptied_and_moved() {
    own("emptied map", || {
        let mut map = EMPTIED.lock().expect("not poisoned");
        for n in 0..count(100_000) {
            black_box(map.insert(n, EmptiedItem::nth(n)));
        }
        map.clear();
    });
    // These went through a queue before they came to the place where they are. The queue is gone.
    let mut queue = VecDeque::new();
    (0..count(25_000)).for_each(|n| queue.push_back(own("moved: boxes", || Box::new(Moved::nth(n)))));
    own("moved: vector", || {
        let mut moved = MOVED.lock().expect("not poisoned");
        while let Some(item) = queue.pop_front() {
            moved.push(item);
        }
    });
}
