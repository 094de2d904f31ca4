//! A bound on the work that a damaged file can cause.
//!
//! In a genuine file, every abbreviation table, range list and line program belongs to one unit or to adjacent units,
//! and a lookup reads it once. In a damaged file of some kilobytes, thousands of units or entries can share one long
//! list. Reading the list for each of them would take hours. So a lookup can take about as many steps as the file has
//! bytes.

use gimli::Section as _;

use super::elf::{Dwarf, Reader};

/// Average number of steps per byte. One step would nearly suffice. But flags and constants take no byte in an entry,
/// and units of one link-time optimization share their abbreviations.
const STEPS_PER_BYTE: usize = 16;

/// Average bound on the frames per address. Deep inlining in genuine programs makes some dozens.
const MAX_FRAMES: usize = 512;

/// The remaining steps for reading one file.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: usize,
}

/// The error for a file that is damaged, or that would take more steps than a genuine file.
#[derive(Debug)]
pub(crate) struct Damaged;

/// The result of reading within a budget.
pub(crate) type Bounded<T> = Result<T, Damaged>;

/// The size of the sections that take steps to read.
pub(crate) fn bytes_of(dwarf: &Dwarf<'_>) -> usize {
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
    /// Makes a budget for looking up `addresses` addresses in sections of `bytes` bytes in total.
    pub(crate) fn new(bytes: usize, addresses: usize) -> Self {
        Self {
            steps: bytes.saturating_mul(STEPS_PER_BYTE).saturating_add(addresses.saturating_mul(MAX_FRAMES)),
        }
    }

    /// Allows further sections to be read.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.steps = self.steps.saturating_add(Self::new(bytes, 0).steps);
    }

    /// Takes steps away.
    ///
    /// # Errors
    ///
    /// If fewer steps are left. Then all reading ends.
    pub(crate) fn spend(&mut self, steps: usize) -> Bounded<()> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Damaged)
    }

    /// Whether reading ended early.
    pub(crate) fn is_spent(&self) -> bool {
        self.steps == 0
    }

    /// Calls `found` with every range of a list.
    ///
    /// # Errors
    ///
    /// If the list is damaged, or the budget is too small for it. The ranges before that point were passed to `found`.
    pub(crate) fn each_range(
        &mut self,
        mut list: gimli::RngListIter<Reader<'_>>,
        mut found: impl FnMut(gimli::Range, &mut Self) -> Bounded<()>,
    ) -> Bounded<()> {
        // `list.next()` would skip any number of empty ranges in one call.
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
    fn spent_budget_allows_nothing_more() {
        let mut budget = Budget::new(2, 0);
        assert!(budget.spend(2 * STEPS_PER_BYTE - 1).is_ok());
        assert!(budget.spend(2).is_err());
        assert!(budget.spend(1).is_err());
    }
}
