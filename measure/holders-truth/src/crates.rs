//! Populations in containers of widely used crates, held by statics.

use std::hint::black_box;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use crossbeam_channel::{Receiver, Sender};
use dashmap::DashMap;
use moka::sync::Cache;
use slab::Slab;

use crate::element::*;
use crate::ledger::own;
use crate::scale::count;

static DASH: LazyLock<DashMap<u64, Box<DashEntry>>> = LazyLock::new(DashMap::new);
static THUMBNAILS: LazyLock<Cache<u64, Arc<Thumbnail>>> = LazyLock::new(|| Cache::new(1_000_000));
static PEERS: Mutex<Slab<Peer>> = Mutex::new(Slab::new());
static CROSSBEAM: OnceLock<(Sender<Box<CrossbeamMessage>>, Receiver<Box<CrossbeamMessage>>)> =
    OnceLock::new();

struct Peer {
    head: PeerHead,
    received: Vec<PeerWord>,
}

pub(crate) fn dash_entries() -> u64 {
    count(60_000)
}

/// Replaces one entry.
pub(crate) fn put_dash(n: u64) -> u64 {
    let entry = own("DashMap: boxes", || Box::new(DashEntry::nth(n)));
    let old = own("DashMap: shards", || DASH.insert(n % dash_entries(), entry));
    old.map_or(0, |old| old.first())
}

pub(crate) fn populate() {
    own("DashMap: shards", || LazyLock::force(&DASH));
    for n in 0..dash_entries() {
        black_box(put_dash(n));
    }
    own("moka: entries", || {
        for n in 0..count(30_000) {
            let thumbnail = own("moka: values", || Arc::new(Thumbnail::nth(n)));
            THUMBNAILS.insert(n, thumbnail);
        }
        THUMBNAILS.run_pending_tasks();
        assert_eq!(THUMBNAILS.entry_count(), count(30_000));
    });
    own("slab", || {
        let mut peers = PEERS.lock().expect("not poisoned");
        for n in 0..count(50_000) {
            let received = own("slab: buffers", || vec![PeerWord::nth(n)]);
            peers.insert(Peer { head: PeerHead::nth(n), received });
        }
        let words = peers.iter().map(|(_, peer)| peer.head.first() ^ peer.received[0].first());
        std::hint::black_box(words.fold(0, |all, word| all ^ word));
    });
    own("crossbeam: blocks", || {
        let (sender, _) = CROSSBEAM.get_or_init(crossbeam_channel::unbounded);
        for n in 0..count(60_000) {
            sender.send(own("crossbeam: boxes", || Box::new(CrossbeamMessage::nth(n)))).expect("a receiver");
        }
    });
}
