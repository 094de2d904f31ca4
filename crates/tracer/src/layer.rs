//! Counts the spans of the crate `tracing`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memory_debug_report::TraceKind;
use tracing_core::Subscriber;
use tracing_core::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer};

use crate::counts::Identity;
use crate::name::Name;
use crate::node::Place;
use crate::thread::{self, Parent};

/// A layer that counts every span that reaches it, from [`Tracer::layer`](crate::Tracer::layer). It changes nothing for
/// other layers.
///
/// A span is a node by its name and the place of its macro. No field is ever read. Its parent is the parent that
/// `tracing` gives it; a span without one stands below the future or request that its thread runs, unless it says
/// `parent: None`.
#[derive(Clone, Debug)]
pub struct TracerLayer {
    /// The number of the counting that runs, or 0.
    switch: Arc<AtomicU64>,
    /// Tells the ids of this layer's registry from the ids of another registry of the program.
    salt: u64,
}

/// How many layers were made.
static LAYERS: AtomicU64 = AtomicU64::new(0);

impl TracerLayer {
    pub(crate) fn new(switch: Arc<AtomicU64>) -> Self {
        // An odd factor whose multiples differ in their upper and lower bits: 2^64 divided by the golden ratio.
        let salt = LAYERS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { switch, salt }
    }

    #[inline]
    fn span(&self, id: &Id) -> u64 {
        // 0 is no span.
        (id.into_u64() ^ self.salt).max(1)
    }

    /// The number of the counting that runs, or 0.
    #[inline]
    fn generation(&self) -> u64 {
        self.switch.load(Ordering::Relaxed)
    }

    // These are apart, so that a subscriber whose tracer does not count saves no registers.

    #[inline(never)]
    fn begin(&self, attributes: &Attributes<'_>, id: &Id) {
        let metadata = attributes.metadata();
        let parent = match attributes.parent() {
            Some(parent) => Parent::Span(self.span(parent)),
            None if attributes.is_root() => Parent::None,
            None => Parent::Current,
        };
        let place = Place { file: metadata.file(), line: metadata.line().unwrap_or(0) };
        let identity =
            Identity { kind: TraceKind::Span, name: Name::Static(metadata.name()), place, route: None };
        thread::begin_span(self.generation(), identity, parent, self.span(id));
    }

    #[inline(never)]
    fn enter(&self, id: &Id) {
        thread::enter_span(self.generation(), self.span(id));
    }

    #[inline(never)]
    fn exit(&self, id: &Id) {
        thread::exit_span(self.generation(), self.span(id));
    }

    #[inline(never)]
    fn end(&self, id: &Id) {
        thread::end_span(self.generation(), self.span(id));
    }
}

impl<S: Subscriber> Layer<S> for TracerLayer {
    #[inline]
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if self.generation() != 0 {
            self.begin(attributes, id);
        }
    }

    #[inline]
    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        if self.generation() != 0 {
            self.enter(id);
        }
    }

    #[inline]
    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if self.generation() != 0 {
            self.exit(id);
        }
    }

    #[inline]
    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if self.generation() != 0 {
            self.end(&id);
        }
    }
}
