//! Pointers back from an object to what holds it: a task knows its runtime, and a node its tree. They confirm the way in
//! between. A dead word that leads to a task lies in an object of which the task knows nothing.
//!
//! A sample, its direct holder and tasks count. Further up, a chain leads over other objects of the same list, and one of many
//! thousand nodes has a pointer to anything. A field that was dropped still has its pointer, and something else can lie there
//! now. If it begins with the counter of an `Arc` that is less than the number of pointers, these are dead.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use memory_debug_profile::holds_pointers;

use crate::chain::Chain;
use crate::input::ScanInput;
use crate::memory::Memory;
use crate::objects::{Names, Objects};
use crate::page_map::PageMap;
use crate::peek::{head, peek, words};

/// The first words of an object in which pointers back are searched.
const WORDS: u64 = 16;

/// Beginning of the names of tasks. Their vtables name them, so these names are sure.
const TASK: &str = "task ";

/// A larger number is no counter of an `Arc`.
const MAX_COUNTER: u64 = u32::MAX as u64;

/// Pointers from samples and from their direct holders to holders.
#[derive(Debug, Default)]
pub(crate) struct BackPointers {
    of_samples: HashMap<u32, Vec<u32>>,
    of_holders: HashMap<u32, Vec<u32>>,
    /// The tasks among the holders.
    tasks: HashSet<u32>,
}

/// What has pointers.
#[derive(Clone, Copy)]
enum Holds {
    Sample(u32),
    Holder(u32),
}

impl BackPointers {
    /// Reads the first words of all samples with chains, of their direct holders, and of tasks further up. If the time is
    /// over, some are missing.
    pub(crate) fn find<M: Memory + ?Sized>(
        (input, map): (&ScanInput, &PageMap),
        chains: &[Vec<Chain>],
        (objects, names): (&Objects, &Names),
        memory: &mut M,
    ) -> Self {
        let of_samples =
            input.samples.iter().zip(chains).zip(0_u32..).filter_map(|((object, chains), at)| {
                let can_hold =
                    input.types.get(object.type_index as usize).is_some_and(|name| holds_pointers(name));
                let (start, bytes) = (object.address.address(), object.sample.requested & !7);
                (can_hold && !chains.is_empty()).then_some((Holds::Sample(at), start, bytes))
            });
        let is_task = |at: &&u32| {
            let name = objects.get(**at).and_then(|object| object.name);
            name.is_some_and(|name| names.get(name.index).starts_with(TASK))
        };
        let all = || chains.iter().flatten();
        let tasks: HashSet<u32> =
            all().flat_map(|chain| chain.objects.iter().filter(is_task)).copied().collect();
        let direct = all().filter_map(|chain| chain.objects.first());
        let holders: BTreeSet<u32> = direct.chain(&tasks).copied().collect();
        let of_holders = holders.iter().filter_map(|at| {
            let place = objects.place(map, objects.get(*at)?)?;
            Some((Holds::Holder(*at), place.address, place.bytes))
        });
        let (from, spans): (Vec<Holds>, Vec<_>) = of_samples
            .chain(of_holders)
            .filter(|(_, start, bytes)| *bytes > 0 && !map.is_excluded(*start, *bytes))
            .map(|(from, start, bytes)| (from, head(start, bytes, WORDS)))
            .unzip();
        let mut found = Self { tasks, ..Self::default() };
        peek(memory, &spans, |at, bytes| {
            let mut targets: Vec<u32> = words(bytes).filter_map(|word| objects.at(map, word)).collect();
            targets.sort_unstable();
            targets.dedup();
            if targets.is_empty() {
                return;
            }
            match from.get(at) {
                Some(Holds::Sample(sample)) => found.of_samples.insert(*sample, targets),
                Some(Holds::Holder(object)) => found.of_holders.insert(*object, targets),
                None => None,
            };
        });
        found.drop_uncounted((map, objects), memory);
        found
    }

    /// Drops the pointers to objects whose counter is less than their number.
    fn drop_uncounted<M: Memory + ?Sized>(&mut self, (map, objects): (&PageMap, &Objects), memory: &mut M) {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        // A holder that is a sample would count twice.
        let is_sampled = |at: &u32| objects.get(*at).is_some_and(|object| object.sample.is_some());
        let of_holders = self.of_holders.iter().filter(|(at, _)| !is_sampled(at)).map(|(_, targets)| targets);
        for target in self.of_samples.values().chain(of_holders).flatten() {
            *counts.entry(*target).or_default() += 1;
        }
        let places = counts.iter().filter_map(|(target, count)| {
            let place = objects.place(map, objects.get(*target)?)?;
            Some(((*target, *count), head(place.address, place.bytes, 2)))
        });
        let (targets, spans): (Vec<(u32, u64)>, Vec<_>) = places.unzip();
        let mut dead: BTreeSet<u32> = BTreeSet::new();
        peek(memory, &spans, |at, bytes| {
            if let (Some((target, count)), [strong, weak]) =
                (targets.get(at), &words(bytes).collect::<Vec<_>>()[..])
                && (1..=MAX_COUNTER).contains(strong)
                && (1..=MAX_COUNTER).contains(weak)
                && count > strong
            {
                dead.insert(*target);
            }
        });
        for targets in self.of_samples.values_mut().chain(self.of_holders.values_mut()) {
            targets.retain(|target| !dead.contains(target));
        }
    }

    /// The holders of a chain that are confirmed, one bit for each: those between an object and one that it points back to,
    /// which is the last of them.
    pub(crate) fn confirmed(&self, sample: u32, chain: &Chain) -> u64 {
        let mut confirmed = 0;
        let mut add = |from: usize, targets: Option<&Vec<u32>>| {
            for target in targets.into_iter().flatten() {
                let above = chain.objects.get(from..).unwrap_or_default();
                if let Some(steps) = above.iter().position(|object| object == target) {
                    (from..=from + steps).for_each(|at| confirmed |= bit(at));
                }
            }
        };
        add(0, self.of_samples.get(&sample));
        for (at, object) in chain.objects.iter().enumerate() {
            if at == 0 || self.tasks.contains(object) {
                add(at + 1, self.of_holders.get(object));
            }
        }
        confirmed
    }
}

/// The bit of a holder. A chain has fewer than 64.
pub(crate) fn bit(at: usize) -> u64 {
    u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_back_confirms_the_holders_up_to_its_target() {
        let chain = Chain { objects: vec![5, 9, 7, 3], ..Chain::default() };
        let confirmed = |samples: &[u32], objects: &[(u32, u32)]| {
            let found = BackPointers {
                of_samples: HashMap::from([(1, samples.to_vec())]),
                of_holders: objects.iter().map(|(from, to)| (*from, vec![*to])).collect(),
                tasks: HashSet::from([7]),
            };
            format!("{:b}", found.confirmed(1, &chain))
        };
        assert_eq!(confirmed(&[], &[]), "0");
        assert_eq!(confirmed(&[7], &[]), "111");
        assert_eq!(confirmed(&[5], &[(5, 7)]), "111");
        assert_eq!(confirmed(&[], &[(5, 3)]), "1110");
        // Only what lies above counts, only what the chain has, and only pointers of the direct holder.
        assert_eq!(confirmed(&[2], &[(5, 5), (9, 3)]), "0");
        // Further up, a task knows its runtime.
        assert_eq!(confirmed(&[], &[(7, 3)]), "1000");
    }
}
