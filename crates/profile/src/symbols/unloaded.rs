//! Addresses of unloaded code. Another library can be mapped there now, and its names would be wrong.

use rustc_hash::FxHashMap;

use crate::mapping::{Mapping, mapping_of};

/// Addresses in unloaded libraries, as far as a profile contained them. Comparing one profile with the next finds
/// them.
#[derive(Debug, Default)]
pub(crate) struct Unloaded {
    /// The position of the library in `libraries`, by address.
    addresses: FxHashMap<u64, usize>,
    libraries: Vec<Mapping>,
}

impl Unloaded {
    /// Bound on the addresses, above which all are forgotten. Few addresses of a plugin allocate.
    const MAX_ADDRESSES: usize = 1 << 16;

    /// Compares the mappings of two profiles. `met` are the addresses of the earlier profile.
    pub(crate) fn learn(&mut self, before: &[Mapping], now: &[Mapping], met: impl Iterator<Item = u64>) {
        let is_there = |library: &Mapping| now.iter().any(|mapping| mapping.is_of_same_object(library));
        // Code that was already unloaded does not belong to the library that has been there since.
        let met: Vec<u64> = met.filter(|address| !self.contains(*address)).collect();
        // If a library came back to its place, its code is there again.
        let known: Vec<bool> = self.libraries.iter().map(is_there).collect();
        self.addresses.retain(|_, library| !known[*library]);
        let gone: Vec<&Mapping> =
            before.iter().filter(|library| library.has_file() && !is_there(library)).collect();
        if gone.is_empty() {
            return;
        }
        if self.addresses.len().max(self.libraries.len()) > Self::MAX_ADDRESSES {
            *self = Self::default();
        }
        let first = self.libraries.len();
        self.libraries.extend(gone.iter().map(|library| (*library).clone()));
        for address in met {
            let library = mapping_of(before, address.saturating_sub(1));
            let position = library.and_then(|library| gone.iter().position(|gone| *gone == library));
            if let Some(position) = position {
                self.addresses.entry(address).or_insert(first + position);
            }
        }
    }

    /// Whether the code at an address was unloaded.
    pub(crate) fn contains(&self, address: u64) -> bool {
        self.addresses.contains_key(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mappings(lines: &str) -> Vec<Mapping> {
        Mapping::read_all(lines.as_bytes()).unwrap()
    }

    #[test]
    fn code_is_unloaded_until_its_library_comes_back_to_its_place() {
        let with = mappings("1000-2000 r-xp 0 fe:00 1 /app\n5000-6000 r-xp 0 fe:00 2 /plugin.so");
        let other = mappings("1000-2000 r-xp 0 fe:00 1 /app\n5000-6000 r-xp 0 fe:00 3 /other.so");
        let moved = mappings("1000-2000 r-xp 0 fe:00 1 /app\n7000-8000 r-xp 0 fe:00 2 /plugin.so");
        let split = mappings("1000-2000 r-xp 0 fe:00 1 /app\n5800-6000 r-xp 800 fe:00 2 /plugin.so");
        let mut unloaded = Unloaded::default();
        for (before, now, expected) in [
            (&with, &split, [false, false]),
            (&with, &other, [false, true]),
            (&other, &moved, [false, true]),
            (&moved, &other, [false, true]),
            (&other, &with, [false, false]),
        ] {
            unloaded.learn(before, now, [0x1010, 0x5010].into_iter());
            let found = [0x1010, 0x5010].map(|address| unloaded.contains(address));
            assert_eq!(found, expected, "{now:?}");
        }
    }
}
