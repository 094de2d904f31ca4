//! The memory in which the parent of an object points to it.

use crate::input::ScanInput;
use crate::mark::Source;
use crate::memory::{Hidden, Span};
use crate::objects::Objects;
use crate::page_map::PageMap;
use crate::peek::head;

/// The first `most` bytes of a parent that is an object, or the words around the word of a root: one before, and four
/// from there. `None` if that memory must not be read.
pub(crate) fn parent_span(
    parent: Source,
    (input, map, root_words): (&ScanInput, &PageMap, &[Hidden]),
    objects: &Objects,
    most: u64,
) -> Option<Span> {
    let Some(region) = parent.region() else {
        let word = root_words.get(parent.root_word()?)?.address();
        let mut roots = input.roots.iter().map(|root| {
            let start = root.span.start.address();
            start..start.saturating_add(root.span.bytes)
        });
        let root = roots.find(|root| root.contains(&word))?;
        let (start, end) = (word.saturating_sub(8).max(root.start), word.saturating_add(32).min(root.end));
        return (!map.is_excluded(start, end - start))
            .then(|| Span { start: Hidden::new(start), bytes: end - start });
    };
    let known = objects.find(region).and_then(|index| objects.get(index));
    let place = match known {
        Some(parent) => objects.place(map, parent)?,
        None => Some(map.place(&map.extent(map.extent_of(region)?)?, region))
            .filter(|place| !map.is_excluded(place.address, place.bytes))?,
    };
    Some(head(place.address, place.bytes, most / 8))
}
