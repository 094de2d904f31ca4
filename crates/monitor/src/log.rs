//! Events and lines in the log.

use memory_debug_core::MonitorEvent;

/// Writes an event. Returns what was done, in words.
#[cfg(feature = "tracing")]
pub(crate) fn write_event(event: &MonitorEvent) -> &'static str {
    use memory_debug_core::EventKind;

    let rule = event.rule.as_deref().unwrap_or_default();
    match event.kind {
        EventKind::Under => tracing::info!(target: TARGET, id = event.id, rule, "{}", event.text),
        _ => tracing::warn!(target: TARGET, id = event.id, rule, "{}", event.text),
    }
    "written"
}

/// Writes a line that is no event.
#[cfg(feature = "tracing")]
pub(crate) fn write_line(text: &str) {
    tracing::info!(target: TARGET, "{text}");
}

/// Writes a line about something that failed.
#[cfg(feature = "tracing")]
pub(crate) fn write_warning(text: &str) {
    tracing::warn!(target: TARGET, "{text}");
}

/// Beside the target of the endpoint's log, `memory_debug::audit`.
#[cfg(feature = "tracing")]
const TARGET: &str = "memory_debug::monitor";

/// Does nothing, because the crate was built without a log.
#[cfg(not(feature = "tracing"))]
pub(crate) fn write_event(_event: &MonitorEvent) -> &'static str {
    "not written: built without feature `tracing`"
}

/// Does nothing, because the crate was built without a log.
#[cfg(not(feature = "tracing"))]
pub(crate) fn write_line(_text: &str) {}

/// Does nothing, because the crate was built without a log.
#[cfg(not(feature = "tracing"))]
pub(crate) fn write_warning(_text: &str) {}
