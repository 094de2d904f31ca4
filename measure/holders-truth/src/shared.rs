//! Populations of shared values and of trait objects, held by statics.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, RwLock, Weak};

use bytes::Bytes;

use crate::element::*;
use crate::ledger::own;
use crate::scale::count;

static SLICES: Mutex<Vec<Bytes>> = Mutex::new(Vec::new());
static INTERNED: LazyLock<Mutex<HashSet<Arc<str>>>> = LazyLock::new(Default::default);
static TICKS: RwLock<Vec<Arc<[Tick]>>> = RwLock::new(Vec::new());
static EXPIRED: Mutex<Vec<Weak<Expired>>> = Mutex::new(Vec::new());
static PLUGINS: LazyLock<RwLock<HashMap<String, Box<dyn Plugin>>>> = LazyLock::new(Default::default);
static CALLBACKS: Mutex<Vec<Box<dyn Fn() -> u64 + Send>>> = Mutex::new(Vec::new());

/// A trait for trait objects.
trait Plugin: Send + Sync {
    fn run(&self) -> u64;
}

struct RulePlugin {
    weight: [u64; 17],
    rules: Vec<PluginRule>,
}

impl Plugin for RulePlugin {
    fn run(&self) -> u64 {
        self.weight[3] + self.rules[0].first()
    }
}

pub(crate) fn populate() {
    own("Bytes: vector", || {
        let mut slices = SLICES.lock().expect("not poisoned");
        for n in 0..count(4_000) {
            // Slices from the middle: nothing of the program points to where the buffer begins.
            let whole = own("Bytes: buffers", || {
                let mut buffer = vec![0; 3_500];
                let bytes = (0..).flat_map(|at| random(n * 1_000 + at).to_le_bytes());
                buffer.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
                Bytes::from(buffer)
            });
            slices.push(own("Bytes: shared heads", || whole.slice(1_000..1_100)));
        }
    });
    own("interned: set", || {
        let mut interned = INTERNED.lock().expect("not poisoned");
        for n in 0..count(150_000) {
            let text = format!("a tag of some length, number {n:0>20}");
            interned.insert(own("interned: text", || Arc::from(text.as_str())));
        }
    });
    own("Arc<[_]>: vector", || {
        let mut ticks = TICKS.write().expect("not poisoned");
        for n in 0..count(50_000) {
            let slice: [Tick; 6] = std::array::from_fn(|at| Tick::nth(n + at as u64));
            ticks.push(own("Arc<[_]>: slices", || Arc::from(slice)));
        }
    });
    own("Weak: vector", || {
        let mut expired = EXPIRED.lock().expect("not poisoned");
        for n in 0..count(50_000) {
            // The value is gone, but its memory stays as long as there is a weak pointer.
            let value = own("Weak: values", || Arc::new(Expired::nth(n)));
            expired.push(Arc::downgrade(&value));
        }
    });
    own("plugins: map", || {
        let mut plugins = PLUGINS.write().expect("not poisoned");
        for n in 0..count(40_000) {
            let rules = own("plugins: rules", || vec![PluginRule::nth(n)]);
            let plugin: Box<dyn Plugin> =
                own("plugins: trait objects", || Box::new(RulePlugin { weight: [n; 17], rules }));
            let name = own("plugins: names", || format!("a plugin with a name of some length: {n:0>60}"));
            plugins.insert(name, plugin);
        }
        std::hint::black_box(plugins.values().map(|plugin| plugin.run()).fold(0, |all, word| all ^ word));
    });
    own("callbacks: vector", || {
        let mut callbacks = CALLBACKS.lock().expect("not poisoned");
        for n in 0..count(40_000) {
            let words = own("callbacks: captured", || vec![CallbackWord::nth(n)]);
            let state = [n; 21];
            callbacks.push(own("callbacks: closures", || {
                Box::new(move || state[n as usize % 21] ^ words[0].first())
            }));
        }
        std::hint::black_box(callbacks.iter().map(|callback| callback()).fold(0, |all, word| all ^ word));
    });
}
