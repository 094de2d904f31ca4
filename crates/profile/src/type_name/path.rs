//! Shortens the paths of types.

/// The part of a path that a readable name keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Qualify {
    /// The last segment: `Session`.
    Last,
    /// Crate and last segment: `app::Session`.
    Crate,
    /// The last two segments: `store::Session`.
    Module,
    /// The whole path: `app::store::Session`.
    Whole,
}

/// Types that the compiler makes for futures and closures, and their readable kind.
const GENERATED: &[(&str, &str)] = &[
    ("{async_fn_env#", "async fn "),
    ("{async_block_env#", "async block in "),
    ("{coroutine_env#", "async block in "),
    ("{async_closure_env#", "closure in "),
    ("{closure_env#", "closure in "),
];

/// The readable kind and place of a type that the compiler made for a future or closure.
pub(super) fn generated(path: &str) -> Option<(&'static str, String)> {
    let segments = segments(path);
    let (last, place) = segments.split_last()?;
    let (_, kind) = GENERATED.iter().find(|(prefix, _)| last.starts_with(prefix) && !place.is_empty())?;
    let place: Vec<&str> = place.iter().copied().filter(|segment| !segment.starts_with('{')).collect();
    Some((kind, place.join("::")))
}

pub(super) fn short_path(path: &str, qualify: Qualify) -> String {
    let segments = segments(path);
    // A path without an end would become empty.
    if segments.last().is_some_and(|last| last.is_empty()) {
        return path.to_owned();
    }
    let [first, .., module, last] = segments[..] else {
        // `app::Session` is short already.
        let last = segments.last().copied().unwrap_or(path);
        return if qualify == Qualify::Last { last.to_owned() } else { path.to_owned() };
    };
    match qualify {
        Qualify::Last => last.to_owned(),
        Qualify::Crate => format!("{first}::{last}"),
        Qualify::Module => format!("{module}::{last}"),
        Qualify::Whole => path.to_owned(),
    }
}

/// The segments of a path. A `::` inside brackets (generic arguments in the middle of a path) does not separate
/// segments.
fn segments(path: &str) -> Vec<&str> {
    let (mut segments, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'>' if path[..at].ends_with('-') => {}
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            b'>' | b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && at >= start && path[at..].starts_with("::") => {
                segments.push(&path[start..at]);
                start = at + 2;
            }
            _ => {}
        }
    }
    segments.push(&path[start..]);
    segments
}

/// Shortens every path in a text of unknown structure: `dyn core::error::Error + core::marker::Send`.
pub(super) fn shorten_words(text: &str, qualify: Qualify) -> String {
    let mut out = String::with_capacity(text.len());
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '{' | '}' | '#');
    let mut rest = text;
    while let Some(start) = rest.find(is_path) {
        let end = rest[start..].find(|c| !is_path(c)).map_or(rest.len(), |len| start + len);
        let word = &rest[start..end];
        out.push_str(&rest[..start]);
        match generated(word) {
            Some((kind, place)) => out.extend([kind, place.as_str()]),
            None => out.push_str(&short_path(word, qualify)),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
