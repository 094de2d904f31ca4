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
}

impl TracerLayer {
    pub(crate) fn new(switch: Arc<AtomicU64>) -> Self {
        Self { switch }
    }

    /// The number of the counting that runs, if any.
    #[inline]
    fn generation(&self) -> Option<u64> {
        Some(self.switch.load(Ordering::Relaxed)).filter(|generation| *generation != 0)
    }
}

impl<S: Subscriber> Layer<S> for TracerLayer {
    #[inline]
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let Some(generation) = self.generation() else { return };
        let metadata = attributes.metadata();
        let parent = match attributes.parent() {
            Some(parent) => Parent::Span(parent.into_u64()),
            None if attributes.is_root() => Parent::None,
            None => Parent::Current,
        };
        let place = Place { file: metadata.file(), line: metadata.line().unwrap_or(0) };
        let identity = Identity { kind: TraceKind::Span, name: Name::Static(metadata.name()), place };
        thread::begin_span(generation, identity, parent, id.into_u64());
    }

    #[inline]
    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        if let Some(generation) = self.generation() {
            thread::enter_span(generation, id.into_u64());
        }
    }

    #[inline]
    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if let Some(generation) = self.generation() {
            thread::exit_span(generation, id.into_u64());
        }
    }

    #[inline]
    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(generation) = self.generation() {
            thread::end_span(generation, id.into_u64());
        }
    }
}
