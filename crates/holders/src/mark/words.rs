//! Follows the words of a region or root.

use super::{Edge, MAX_EDGES, Marker, Source};
use crate::memory::{Hidden, Memory};
use crate::page_map::Found;
use crate::peek::words;

/// Steps in which a node of a tree leads to its children. A pointer back from there is no holder.
const BACK: usize = 3;

/// Where words were read.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    /// In a region, from an offset of the object on.
    Region { region: u32, offset: u64 },
    /// In a root.
    Root { address: u64 },
}

/// A word that could be a pointer, and where it was read. Both addresses are hidden.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    target: Hidden,
    at: At,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Region { region: u32, offset: u32 },
    Root(Hidden),
}

/// Whether a word could be an address of the heap. Most regions have none, and this loop is all that they cost.
pub(super) fn has_word_in(bytes: &[u8], (first, length): (u64, u64)) -> bool {
    words(bytes).fold(false, |found, word| found | (word.wrapping_sub(first) < length))
}

/// Whether memory is the stack of a thread's cache, in which jemalloc keeps pointers to free regions. It lies in the heap
/// and begins with `cache_bin_preceding_junk` (cache_bin.h of jemalloc 5.3). What was freed would look alive through it.
pub(super) fn is_thread_cache(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x7a; 8])
}

/// Whether the first word and more than half of all words are neither an address nor a small number. A buffer is filled
/// from its beginning. An object with large gaps can have the rest of a text in them, but begins with something else, such
/// as the counters of an `Arc`.
pub(super) fn looks_like_text(bytes: &[u8]) -> bool {
    let is_other = |word: u64| word >> 47 != 0 || (word >> 32 != 0 && word >> 44 == 0);
    let others = words(bytes).filter(|word| is_other(*word)).count();
    others * 2 > bytes.len() / 8 && words(bytes).next().is_some_and(is_other)
}

impl Marker<'_> {
    /// Follows all words that could be addresses of the heap. Words about which the allocator must be asked are kept for
    /// [`follow_unsure`](Self::follow_unsure).
    pub(super) fn follow_words(&mut self, bytes: &[u8], from: From) {
        let (first, length) = self.map.range();
        for (number, word) in words(bytes).enumerate() {
            if word.wrapping_sub(first) >= length {
                continue;
            }
            let at = match from {
                From::Region { region, offset } => At::Region {
                    region,
                    offset: u32::try_from(offset + number as u64 * 8).unwrap_or(u32::MAX),
                },
                From::Root { address } => At::Root(Hidden::new(address + number as u64 * 8)),
            };
            let word = Word { target: Hidden::new(word), at };
            if !self.follow(word, false) {
                self.unsure.push(word);
            }
        }
    }

    /// Follows the words that were kept.
    pub(super) fn follow_unsure<M: Memory + ?Sized>(&mut self, memory: &mut M) {
        let mut unsure = std::mem::take(&mut self.unsure);
        for word in unsure.drain(..) {
            let target = word.target.address();
            if let Found::Extent(index) = self.map.find(target)
                && !self.is_marked(index)
            {
                // A changed extent is unknown from now on. What it was moved to may stand in the same place.
                if !self.map.verify(memory, index, target)
                    && let At::Region { region, .. } = word.at
                {
                    self.retry(region);
                }
            }
            if matches!(self.map.find(target), Found::Unknown) {
                self.map.resolve(memory, target);
                let regions = self.map.next_region as usize;
                if regions > self.mark.parents.len() {
                    self.mark.parents.resize(regions, 0);
                }
            }
            self.follow(word, true);
        }
        self.unsure = unsure;
    }

    /// Whether an extent that is one object was reached.
    fn is_marked(&self, index: u32) -> bool {
        self.map.extent(index).is_some_and(|extent| self.mark.is_marked(extent.first))
    }

    /// Follows a word. Returns `false` if the allocator must be asked first: its page is unknown, or it is the first
    /// pointer to an extent of which the map does not know whether it is free.
    #[inline]
    fn follow(&mut self, word: Word, is_verified: bool) -> bool {
        let target = word.target.address();
        let index = match self.map.find(target) {
            Found::Unknown => return false,
            Found::Nothing => return true,
            Found::Extent(index) => index,
        };
        let Some(extent) = self.map.extents.get(index as usize).copied() else { return true };
        let Some(region) = self.map.region_at(&extent, target) else { return true };
        let Some(parent) = self.mark.parents.get(region as usize).copied() else { return true };
        if let Some(sample) = extent.sample() {
            let is_inside = self.input.samples.get(sample).is_some_and(|object| {
                let offset = target.checked_sub(object.address.address());
                offset.is_some_and(|offset| offset < object.sample.requested.max(1))
            });
            if !is_inside {
                return true;
            }
            self.add_edge(sample, word.at);
        } else if self.map.is_dead(&extent) {
            return true;
        } else if !extent.is_slab() && parent == 0 && !is_verified {
            return false;
        }
        if parent == 0
            && let Some(source) = self.source(word.at)
            && let Some(parent) = self.mark.parents.get_mut(region as usize)
        {
            *parent = source.0;
            self.queue.push(self.map, index, region);
        } else if extent.sample().is_none() && !self.is_last {
            self.add_other((index, region), Source(parent), word.at);
        }
        true
    }

    /// Remembers a further pointer to a region of the extent `index`. `parent` is what reached it first.
    fn add_other(&mut self, (index, region): (u32, u32), parent: Source, at: At) {
        let is_new = match at {
            At::Region { region: source, .. } => {
                source != region && parent != Source(source) && !self.is_back(source, region, index)
            }
            // The roots were read before, so each of their words would count twice.
            At::Root(_) if self.is_repeat => false,
            At::Root(address) => {
                parent.root_word().is_none_or(|word| self.mark.root_words.get(word) != Some(&address))
            }
        };
        let is_reserved = self.is_repeat || matches!(at, At::Root(_));
        if is_new
            && self.mark.others.has_room(region, is_reserved)
            && let Some(source) = self.source(at)
        {
            self.mark.others.insert(region, source, is_reserved);
        }
    }

    /// Whether a region of the extent `index` was reached a few steps before `source`, which is as large: a node of a list
    /// or of a tree that points back to its own holder does not hold it.
    fn is_back(&self, source: u32, region: u32, index: u32) -> bool {
        let parent = |region: &u32| self.mark.parent(*region).and_then(|parent| parent.region());
        let mut above = std::iter::successors(Some(source), parent).skip(1).take(BACK);
        let bytes = |index| self.map.extent(index).map(|extent| self.map.place(&extent, extent.first).bytes);
        above.any(|above| above == region) && self.map.extent_of(source).and_then(bytes) == bytes(index)
    }

    fn add_edge(&mut self, sample: usize, at: At) {
        let seen = self.mark.edge_counts.get(sample).copied().unwrap_or(MAX_EDGES);
        if seen >= MAX_EDGES {
            return;
        }
        let offset = if let At::Region { offset, .. } = at { offset } else { 0 };
        if let (Some(source), Some(count)) = (self.source(at), self.mark.edge_counts.get_mut(sample)) {
            *count += 1;
            self.mark.edges.push(Edge { sample: sample as u32, source, offset, doubtful: self.is_last });
        }
    }

    /// Names the place of a word. `None` if there are too many words of roots.
    fn source(&mut self, at: At) -> Option<Source> {
        match at {
            At::Region { region, .. } => Some(Source(region)),
            At::Root(address) => {
                // An edge to a sample and its mark come from the same word.
                if self.mark.root_words.last() != Some(&address) {
                    self.mark.root_words.push(address);
                }
                let index = u32::try_from(self.mark.root_words.len() - 1).ok()?;
                Source::ROOTS.checked_add(index).map(Source)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn text_is_told_from_pointers_and_small_numbers() {
        let text = u64::from_ne_bytes(*b"sessions");
        assert!(looks_like_text(&bytes(&[text, text, 3])));
        assert!(!looks_like_text(&bytes(&[2, text, text, text])), "an `Arc` with text in its gaps");
        assert!(!looks_like_text(&bytes(&[text, 0x7f12_3456_7890, 3, 0])));
        assert!(!looks_like_text(&bytes(&[])));
        assert!(!looks_like_text(b"seven b"));
    }

    #[test]
    fn finds_whether_a_word_lies_in_a_range() {
        assert!(has_word_in(&bytes(&[0, 9, 100]), (100, 1)));
        assert!(!has_word_in(&bytes(&[0, 99, 101]), (100, 1)));
        assert!(!has_word_in(b"short", (0, u64::MAX)));
    }
}
