//! Further pointers to regions that were reached already. Dead words lead to objects, too, and what reached an object first
//! can be one of them. With the further pointers, a chain can be chosen that agrees with other samples.

use std::collections::BTreeSet;

use super::Source;

/// The most further regions that point to one region and are remembered.
const MAX_OF_REGION: usize = 3;

/// The most reserved sources of one region, and of all regions: words of roots, and what is read once more. Both are few,
/// and most are read when the table is full. A chain must end at a root, and what is read once more near the roots leads on
/// where the program has moved on.
const MAX_RESERVED: usize = 4;
const MAX_ALL_RESERVED: usize = 1 << 16;

/// Slots that are searched for a region.
const WINDOW: usize = 16;

/// Regions for each slot, and the least and the most slots. A slot takes 8 bytes, so the table takes at most a quarter of
/// the memory that the parents take.
const REGIONS: usize = 8;
const SLOTS: (usize, usize) = (1 << 10, 1 << 22);

/// Regions with further sources, in a table of a fixed size. What finds no room is not remembered: most regions need none.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// A region in the upper half, a source in the lower half. 0 is empty.
    slots: Vec<u64>,
    /// Regions with sources that have room of their own.
    reserved: BTreeSet<(u32, u32)>,
}

impl Others {
    pub(super) fn new(regions: u32) -> Self {
        let slots = (regions as usize / REGIONS).clamp(SLOTS.0, SLOTS.1);
        Self { slots: vec![0; slots], reserved: BTreeSet::new() }
    }

    /// Remembers a source, unless it is known or there is no room.
    pub(super) fn insert(&mut self, region: u32, source: Source, is_reserved: bool) {
        if is_reserved {
            if self.has_reserved_room(region) && !self.of(region).any(|known| known == source) {
                self.reserved.insert((region, source.0));
            }
        } else if let Some(slot) = self.free_slot(region, source).and_then(|at| self.slots.get_mut(at)) {
            *slot = (u64::from(region) << 32) | u64::from(source.0);
        }
    }

    /// Whether there is room for another source of a region.
    pub(super) fn has_room(&self, region: u32, is_reserved: bool) -> bool {
        // No region has the number 0.
        if is_reserved { self.has_reserved_room(region) } else { self.free_slot(region, Source(0)).is_some() }
    }

    fn has_reserved_room(&self, region: u32) -> bool {
        self.reserved.len() < MAX_ALL_RESERVED && self.reserved_of(region).count() < MAX_RESERVED
    }

    fn reserved_of(&self, region: u32) -> impl Iterator<Item = Source> {
        self.reserved.range((region, 0)..=(region, u32::MAX)).map(|(_, source)| Source(*source))
    }

    fn free_slot(&self, region: u32, source: Source) -> Option<usize> {
        let mut known = 0;
        for at in self.window(region) {
            let slot = *self.slots.get(at)?;
            if slot == 0 {
                return Some(at);
            }
            if slot >> 32 == u64::from(region) {
                known += 1;
                if Source(slot as u32) == source || known >= MAX_OF_REGION {
                    return None;
                }
            }
        }
        None
    }

    /// The further sources of a region, the reserved ones last.
    pub(crate) fn of(&self, region: u32) -> impl Iterator<Item = Source> {
        self.window(region)
            .map_while(|at| self.slots.get(at).filter(|slot| **slot != 0))
            .filter(move |slot| **slot >> 32 == u64::from(region))
            .map(|slot| Source(*slot as u32))
            .chain(self.reserved_of(region))
    }

    fn window(&self, region: u32) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        let hash = u64::from(region).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        // Scales the hash down, so that the number of slots need not be a power of two.
        let home = ((hash * slots as u64) >> 32) as usize;
        (0..WINDOW.min(slots)).map(move |step| (home + step) % slots)
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        // A tree has places for a half more than it holds.
        self.slots.capacity() * 8 + self.reserved.len() * 12
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_few_sources_of_each_region() {
        let mut others = Others::new(0);
        for (region, source) in [(7, 1), (7, 2), (8, 9), (7, 1), (7, 3), (7, 4)] {
            others.insert(region, Source(source), false);
        }
        let of = |region| others.of(region).map(|source| source.0).collect::<Vec<_>>();
        assert_eq!((of(7), of(8), of(9)), (vec![1, 2, 3], vec![9], vec![]));
        let room = |region| (others.has_room(region, false), others.has_room(region, true));
        assert_eq!((room(7), room(8), room(9)), ((false, true), (true, true), (true, true)));
        // Words of roots find room though the table has none.
        (5..12).for_each(|word| others.insert(7, Source(Source::ROOTS + word), true));
        let roots: Vec<Option<usize>> = others.of(7).skip(3).map(Source::root_word).collect();
        assert_eq!(roots, [5, 6, 7, 8].map(Some));
        assert_eq!((others.has_room(7, true), others.has_room(8, true)), (false, true));
    }

    #[test]
    fn a_full_table_forgets_what_comes_later() {
        let mut others = Others::new(0);
        let slots = others.slots.len() as u32;
        (1..=4 * slots).for_each(|region| others.insert(region, Source(region), false));
        let kept = (1..=4 * slots).filter(|region| others.of(*region).next() == Some(Source(*region)));
        let kept = kept.count() as u32;
        assert!(kept > slots / 2 && kept <= slots, "{kept}");
        // What has room of its own is remembered, also a region.
        others.insert(4 * slots, Source(9), true);
        assert_eq!(others.of(4 * slots).last(), Some(Source(9)));
    }

    #[test]
    fn without_a_table_nothing_is_remembered() {
        let mut others = Others::default();
        others.insert(7, Source(1), false);
        assert_eq!((others.of(7).count(), others.has_room(7, false)), (0, false));
    }
}
