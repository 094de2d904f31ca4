//! A bound on the work that a damaged file can ask for.
//!
//! In a genuine file every abbreviation table, range list and line program belongs to one unit, or to units side by
//! side, and is read once a hit. A damaged file of some kilobytes can let thousands of units or entries share a long
//! one, and reading it for each of them would take hours. So a hit may take about as many steps as the file has bytes.

use gimli::Section as _;

use super::elf::Reader;

/// Steps that a byte may take on average. One would nearly do, but flags and constants take no byte in an entry, and
/// units of one link-time optimisation share their abbreviations.
const STEPS_PER_BYTE: usize = 16;

/// Frames of one address at most, on average over all of them. Deep inlining in genuine programs makes some dozens.
const MAX_FRAMES: usize = 512;

/// The steps that reading one file may still take.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: usize,
}

/// Reading ended before its end: the file is damaged, or would take more steps than a genuine one.
#[derive(Debug)]
pub(crate) struct Damaged;

/// The size of the sections whose reading takes steps.
pub(crate) fn bytes_of(dwarf: &gimli::Dwarf<Reader<'_>>) -> usize {
    let sections = [
        dwarf.debug_info.reader(),
        dwarf.debug_abbrev.reader(),
        dwarf.debug_line.reader(),
        dwarf.ranges.debug_ranges().reader(),
        dwarf.ranges.debug_rnglists().reader(),
    ];
    sections.iter().map(|section| section.len()).fold(0, usize::saturating_add)
}

impl From<gimli::Error> for Damaged {
    fn from(_: gimli::Error) -> Self {
        Self
    }
}

impl Budget {
    /// For sections of so many bytes together, in which that many addresses are looked for.
    pub(crate) fn new(bytes: usize, addresses: usize) -> Self {
        Self {
            steps: bytes.saturating_mul(STEPS_PER_BYTE).saturating_add(addresses.saturating_mul(MAX_FRAMES)),
        }
    }

    /// Lets further sections be read.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.steps = self.steps.saturating_add(Self::new(bytes, 0).steps);
    }

    /// Takes steps away.
    ///
    /// # Errors
    ///
    /// If so many are not left, which is the end of all reading.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Damaged> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Damaged)
    }

    /// Whether reading ended before all was read.
    pub(crate) fn is_spent(&self) -> bool {
        self.steps == 0
    }

    /// Calls `found` with every range of a list.
    ///
    /// # Errors
    ///
    /// If the list is damaged, or the budget does not reach for all of it. `found` was called for what came before.
    pub(crate) fn each_range(
        &mut self,
        mut list: gimli::RngListIter<Reader<'_>>,
        mut found: impl FnMut(gimli::Range, &mut Self) -> Result<(), Damaged>,
    ) -> Result<(), Damaged> {
        // Not `list.next()`, which passes over any number of empty ranges in one call.
        while let Some(entry) = list.next_raw()? {
            self.spend(1)?;
            if let Some(range) = list.convert_raw(entry)? {
                found(range, self)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_gone_and_nothing_comes_after_the_end() {
        let mut budget = Budget::new(2, 0);
        assert!(budget.spend(2 * STEPS_PER_BYTE - 1).is_ok());
        assert!(budget.spend(2).is_err());
        assert!(budget.spend(1).is_err());
    }
}
