//! Selects the stacks and tables that are written, and sums the rest.

use super::options::PprofOptions;
use crate::amount::Amount;
use crate::export::largest::largest;
use crate::symbolized::SymbolizedProfile;

/// The parts of a profile that are written.
pub(super) struct Selection {
    pub(super) stacks: Vec<bool>,
    pub(super) locations: Vec<bool>,
    pub(super) functions: Vec<bool>,
    pub(super) owners: Vec<bool>,
    /// `None` if all stacks are written.
    pub(super) rest: Option<Rest>,
}

/// The sum of the stacks that are not written.
pub(super) struct Rest {
    /// The function name of this sum.
    pub(super) name: String,
    pub(super) live: Amount,
    pub(super) allocated: Amount,
}

impl Selection {
    pub(super) fn of(profile: &SymbolizedProfile, options: &PprofOptions) -> Self {
        let size = |stack| {
            let sum = if options.prefers_allocated { allocated(profile, stack) } else { profile.live(stack) };
            sum.bytes.unsigned_abs()
        };
        let stacks = largest(profile.stacks.iter().map(size), options.max_stacks.unwrap_or(usize::MAX));
        let mut selection = Self {
            locations: vec![false; profile.locations.len()],
            functions: vec![false; profile.functions.len()],
            owners: vec![false; profile.owners.len()],
            rest: None,
            stacks,
        };
        let mut left_out = 0;
        let mut rest = Rest { name: String::new(), live: Amount::default(), allocated: Amount::default() };
        for (stack, is_kept) in profile.stacks.iter().zip(&selection.stacks) {
            if !is_kept {
                left_out += 1;
                rest.live += profile.live(stack);
                rest.allocated += allocated(profile, stack);
                continue;
            }
            selection.owners[stack.owner as usize] = true;
            for location in profile.location_handles(stack) {
                selection.locations[*location as usize] = true;
            }
        }
        let locations = profile.locations.iter().zip(&selection.locations);
        for (location, _) in locations.filter(|(_, is_kept)| **is_kept) {
            location.lines.iter().for_each(|line| selection.functions[line.function as usize] = true);
        }
        rest.name = format!("({left_out} smaller)");
        selection.rest = (left_out > 0).then_some(rest);
        selection
    }
}

fn allocated(profile: &SymbolizedProfile, stack: &crate::symbolized::NamedStack) -> Amount {
    profile.samples_of(stack).iter().map(|sample| sample.allocated).sum()
}
