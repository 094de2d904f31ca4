//! Further pointers to regions that were reached already. Dead words lead to objects, too, and what reached an object first
//! can be one of them. With the further pointers, a chain can be chosen that agrees with other samples.

use super::Source;

/// The most further pointers to one region that are remembered, and beside them the most words of roots: roots are few, and
/// a chain must end at one.
const MAX_OF_REGION: usize = 3;
const MAX_ROOTS: usize = 1;

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
}

impl Others {
    pub(super) fn new(regions: u32) -> Self {
        let slots = (regions as usize / REGIONS).clamp(SLOTS.0, SLOTS.1);
        // A power of two that is not larger.
        Self { slots: vec![0; 1 << slots.ilog2()] }
    }

    /// Remembers a source, unless it is known or there is no room.
    pub(super) fn insert(&mut self, region: u32, source: Source) {
        if let Some(slot) = self.free_slot(region, source).and_then(|at| self.slots.get_mut(at)) {
            *slot = (u64::from(region) << 32) | u64::from(source.0);
        }
    }

    /// Whether there is room for another source of a region: a word of a root, or a region.
    pub(super) fn has_room(&self, region: u32, is_root: bool) -> bool {
        // No region has this number, and no word of a root is the last one of all.
        let source = if is_root { Source(u32::MAX) } else { Source(0) };
        self.free_slot(region, source).is_some()
    }

    fn free_slot(&self, region: u32, source: Source) -> Option<usize> {
        let is_root = source.root_word().is_some();
        let most = if is_root { MAX_ROOTS } else { MAX_OF_REGION };
        let mut known = 0;
        for at in self.window(region) {
            let slot = *self.slots.get(at)?;
            if slot == 0 {
                return Some(at);
            }
            if slot >> 32 == u64::from(region) {
                let other = Source(slot as u32);
                known += usize::from(other.root_word().is_some() == is_root);
                if other == source || known >= most {
                    return None;
                }
            }
        }
        None
    }

    /// The further sources of a region.
    pub(crate) fn of(&self, region: u32) -> impl Iterator<Item = Source> {
        self.window(region)
            .map_while(|at| self.slots.get(at).filter(|slot| **slot != 0))
            .filter(move |slot| **slot >> 32 == u64::from(region))
            .map(|slot| Source(*slot as u32))
    }

    fn window(&self, region: u32) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len().wrapping_sub(1);
        let home = (u64::from(region).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
        (0..WINDOW).map(move |step| (home + step) & mask)
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_few_sources_of_each_region() {
        let mut others = Others::new(0);
        for (region, source) in [(7, 1), (7, 2), (8, 9), (7, 1), (7, 3), (7, 4)] {
            others.insert(region, Source(source));
        }
        let of = |region| others.of(region).map(|source| source.0).collect::<Vec<_>>();
        assert_eq!((of(7), of(8), of(9)), (vec![1, 2, 3], vec![9], vec![]));
        let room = |region| (others.has_room(region, false), others.has_room(region, true));
        assert_eq!((room(7), room(8), room(9)), ((false, true), (true, true), (true, true)));
        // A word of a root finds room though the regions have none.
        let root = Source(Source::ROOTS + 5);
        others.insert(7, root);
        others.insert(7, Source(Source::ROOTS + 6));
        assert_eq!((others.of(7).last(), others.of(7).count()), (Some(root), 4));
        assert!(!others.has_room(7, true));
    }

    #[test]
    fn a_full_table_forgets_what_comes_later() {
        let mut others = Others::new(0);
        let slots = others.slots.len() as u32;
        (1..=4 * slots).for_each(|region| others.insert(region, Source(region)));
        let kept = (1..=4 * slots).filter(|region| others.of(*region).next() == Some(Source(*region)));
        let kept = kept.count() as u32;
        assert!(kept > slots / 2 && kept <= slots, "{kept}");
    }

    #[test]
    fn without_a_table_nothing_is_remembered() {
        let mut others = Others::default();
        others.insert(7, Source(1));
        assert_eq!((others.of(7).count(), others.has_room(7, false)), (0, false));
    }
}
