//! Spans of tracing with data in their extensions.

use std::sync::Mutex;

use tracing::span::{Attributes, Id};
use tracing::{Span, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::element::*;
use crate::ledger::{own, transfer};
use crate::scale::count;

static SPANS: Mutex<Vec<Span>> = Mutex::new(Vec::new());

/// A map with room for three entries of 32 bytes, in its size class.
const EXTENSIONS_BYTES: u64 = 160;

/// Puts baggage into the extensions of each span of this module.
struct BaggageLayer;

struct SpanBaggage {
    weight: [u64; 23],
    words: Vec<BaggageWord>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for BaggageLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(|_| attributes.metadata().target() == module_path!()) else {
            return;
        };
        let n = id.into_u64();
        let words = own("spans: owned", || vec![BaggageWord::nth(n)]);
        let baggage = SpanBaggage { weight: [n; 23], words };
        std::hint::black_box(baggage.weight[1] ^ baggage.words[0].first());
        own("spans: extensions", || span.extensions_mut().insert(baggage));
        transfer(EXTENSIONS_BYTES, "spans: extensions", "spans: maps of extensions");
    }
}

pub(crate) fn populate() {
    tracing::subscriber::set_global_default(Registry::default().with(BaggageLayer)).expect("the first");
    own("spans: registry", || {
        let mut spans = SPANS.lock().expect("not poisoned");
        for n in 0..count(30_000) {
            spans.push(tracing::info_span!("planted", n));
        }
    });
}
