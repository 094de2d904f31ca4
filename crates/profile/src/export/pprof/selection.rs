//! Which stacks and tables are written, and the sum of the rest.

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
        let all = profile.stacks.len();
        let stacks = match options.max_stacks {
            Some(most) if most < all => {
                let size = |stack| {
                    let size = if options.prefers_allocated {
                        allocated(profile, stack)
                    } else {
                        profile.live(stack)
                    };
                    size.bytes.unsigned_abs()
                };
                largest(profile.stacks.iter().map(size), most)
            }
            _ => vec![true; all],
        };
        let mut selection = Self {
            locations: vec![false; profile.locations.len()],
            functions: vec![false; profile.functions.len()],
            owners: vec![false; profile.owners.len()],
            rest: None,
            stacks,
        };
        let (mut left_out, mut rest) = (0, (Amount::default(), Amount::default()));
        for (stack, is_kept) in profile.stacks.iter().zip(&selection.stacks) {
            if !is_kept {
                left_out += 1;
                rest.0 += profile.live(stack);
                rest.1 += allocated(profile, stack);
                continue;
            }
            selection.owners[stack.owner as usize] = true;
            for location in profile.location_handles(stack) {
                selection.locations[*location as usize] = true;
            }
        }
        for (location, _) in
            profile.locations.iter().zip(&selection.locations).filter(|(_, is_kept)| **is_kept)
        {
            location.lines.iter().for_each(|line| selection.functions[line.function as usize] = true);
        }
        let (live, allocated) = rest;
        selection.rest =
            (left_out > 0).then(|| Rest { name: format!("({left_out} smaller)"), live, allocated });
        selection
    }
}

fn allocated(profile: &SymbolizedProfile, stack: &crate::symbolized::NamedStack) -> Amount {
    profile.samples_of(stack).iter().map(|sample| sample.allocated).sum()
}
