//! Names objects by votes of sampled objects in the same place: with the same parent, or with the same content.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, MAJORITY, size_class};
use crate::cycle::held_by;
use crate::objects::{Name, Names, Object, Objects};

/// Each round names the objects below those that the round before has named.
const MAX_ROUNDS: usize = 6;

/// Offsets tell fields of small objects. Large ones are arrays, in which only the place in a word tells anything.
const MAX_FIELDS: u64 = 256;

/// How much more a vote counts if one of both type names mentions the other one.
const MENTION: f64 = 2.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Parent {
    Name(u32),
    Root(u32),
}

#[derive(Debug, Default)]
struct Ballot(BTreeMap<u32, f64>);

impl Ballot {
    fn add(&mut self, name: u32, weight: f64) {
        *self.0.entry(name).or_default() += weight;
    }

    fn winner(&self, weight: impl Fn(u32) -> f64) -> Option<u32> {
        let votes: Vec<(u32, f64)> =
            self.0.iter().map(|(name, votes)| (*name, votes * weight(*name))).collect();
        let total: f64 = votes.iter().map(|(_, votes)| votes).sum();
        let (name, most) = votes.into_iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
        (most > 0.0 && most >= MAJORITY * total).then_some(name)
    }
}

/// Whether a type name mentions another one among its arguments: `HashMap<u64, Arc<Session>>` mentions `Arc<Session>`.
pub(crate) fn mentions(name: &str, other: &str) -> bool {
    let Some((_, arguments)) = name.split_once('<').filter(|_| !other.is_empty()) else { return false };
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    arguments.match_indices(other).any(|(at, found)| {
        let before = arguments[..at].chars().next_back();
        let after = arguments[at + found.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(|c| is_word(c) || c == '<')
    })
}

/// Names objects until a round names none.
pub(super) fn name_by_votes(evidence: &Evidence<'_>, objects: &mut Objects, names: &Names) {
    let below = votes_from_below(evidence, objects);
    let mentioning = Mentioning::new(evidence, names);
    let held_objects = held_objects(evidence);
    // What holds nothing can be of a type that cannot hold anything.
    let chained = evidence.chains.iter().flatten().flat_map(|chain| chain.objects.iter().copied());
    let holders: BTreeSet<u32> =
        chained.chain(evidence.unreached.iter().map(|(holder, _)| *holder)).collect();
    let mut holder_of: BTreeMap<u32, u32> = BTreeMap::new();
    for (holder, held) in evidence.unreached {
        holder_of.entry(*held).or_insert(*holder);
    }
    let mut children: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for link in evidence.links {
        if objects.get(link.holder).is_some_and(|holder| holder.name.is_none())
            && let Some(held) = evidence.type_of(link.sample)
        {
            children.entry(link.holder).or_default().push((held, link.offset));
        }
    }
    for _ in 0..MAX_ROUNDS {
        let above = votes_from_above(evidence, objects);
        let pairs = votes_of_pairs(&held_objects, objects);
        let mut found = Vec::new();
        for (index, object) in objects.list.iter().enumerate() {
            if object.name.is_some() {
                continue;
            }
            let held = children.get(&(index as u32)).map(Vec::as_slice).unwrap_or_default();
            let parent = parent_of(evidence, objects, index as u32, &holder_of);
            let is_holder = holders.contains(&(index as u32));
            let weight = |name: u32| {
                let text = names.get(name);
                let by_parent = match parent {
                    Some(Parent::Name(parent)) => mentions(names.get(parent), text),
                    _ => false,
                };
                let by_child = held.iter().any(|(held, _)| mentions(text, names.get(*held)));
                match by_parent || by_child {
                    _ if is_holder && !evidence.can_hold(name) => 0.0,
                    true => MENTION,
                    false => 1.0,
                }
            };
            let by_parent = parent.and_then(|parent| above.get(&(parent, size_class(object.bytes))));
            let name = by_parent.and_then(|ballot| ballot.winner(weight));
            let name = name.or_else(|| mentioning.find(held, size_class(object.bytes)));
            let name = name.or_else(|| {
                let mut sum = Ballot::default();
                for (held, offset) in held {
                    if let Some(ballot) =
                        below.get(&(*held, field(*offset, object.bytes), size_class(object.bytes)))
                    {
                        ballot.0.iter().for_each(|(name, votes)| sum.add(*name, *votes));
                    }
                }
                sum.winner(weight)
            });
            let name = name.or_else(|| {
                let mut sum = Ballot::default();
                for held in held_by(&held_objects, index as u32) {
                    let held = objects.get(held.1).map(kind_of);
                    if let Some(ballot) = held.and_then(|held| pairs.get(&(held, size_class(object.bytes)))) {
                        ballot.0.iter().for_each(|(name, votes)| sum.add(*name, *votes));
                    }
                }
                sum.winner(weight)
            });
            found.extend(name.map(|name| (index, name)));
        }
        if found.is_empty() {
            return;
        }
        for (index, name) in found {
            if let Some(object) = objects.list.get_mut(index) {
                object.name = Some(Name { index: name, inferred: true });
            }
        }
    }
}

/// What an object hangs on, if that has a name.
fn parent_of(
    evidence: &Evidence<'_>,
    objects: &Objects,
    index: u32,
    holder_of: &BTreeMap<u32, u32>,
) -> Option<Parent> {
    let Some(parent) = objects.get(index)?.parent else {
        let holder = objects.get(*holder_of.get(&index)?)?;
        return holder.name.map(|name| Parent::Name(name.index));
    };
    match parent.region() {
        Some(region) => objects.get(objects.find(region)?)?.name.map(|name| Parent::Name(name.index)),
        None => parent.root_word().and_then(|word| evidence.roots.get(word)).map(|root| Parent::Root(*root)),
    }
}

/// The types of samples by their holder and size.
fn votes_from_above(evidence: &Evidence<'_>, objects: &Objects) -> BTreeMap<(Parent, u64), Ballot> {
    let mut votes: BTreeMap<(Parent, u64), Ballot> = BTreeMap::new();
    for (object, chains) in evidence.input.samples.iter().zip(evidence.chains) {
        for chain in chains {
            let parent = match chain.objects.first() {
                Some(first) => {
                    objects.get(*first).and_then(|first| first.name).map(|name| Parent::Name(name.index))
                }
                None => evidence.roots.get(chain.root_word).map(|root| Parent::Root(*root)),
            };
            if let Some(parent) = parent {
                let ballot = votes.entry((parent, size_class(object.sample.usable))).or_default();
                ballot.add(object.type_index, 1.0 / chains.len() as f64);
            }
        }
    }
    for (holder, held) in evidence.unreached {
        let sample = objects.get(*held).and_then(|held| held.sample);
        if let Some(object) = sample.and_then(|sample| evidence.input.samples.get(sample as usize))
            && let Some(name) = objects.get(*holder).and_then(|holder| holder.name)
        {
            let key = (Parent::Name(name.index), size_class(object.sample.usable));
            votes.entry(key).or_default().add(object.type_index, 1.0);
        }
    }
    votes
}

/// The types of sampled holders by what they hold, where, and their size.
fn votes_from_below(evidence: &Evidence<'_>, objects: &Objects) -> BTreeMap<(u32, u64, u64), Ballot> {
    // Each holder once: one buffer with many stale words must not win.
    let mut holders: BTreeSet<(u32, u64, u32)> = BTreeSet::new();
    for link in evidence.links {
        let Some(holder) = objects.get(link.holder).filter(|holder| holder.sample.is_some()) else {
            continue;
        };
        if let Some(held) = evidence.type_of(link.sample) {
            holders.insert((held, field(link.offset, holder.bytes), link.holder));
        }
    }
    let mut votes: BTreeMap<(u32, u64, u64), Ballot> = BTreeMap::new();
    for (held, field, holder) in holders {
        let Some(holder) = objects.get(holder) else { continue };
        if let Some(name) = holder.name {
            votes.entry((held, field, size_class(holder.bytes))).or_default().add(name.index, 1.0);
        }
    }
    // One holder has no vote.
    votes.retain(|_, ballot| ballot.0.values().sum::<f64>() > 1.0);
    votes
}

/// Types by what their names mention.
#[derive(Debug)]
struct Mentioning {
    /// For a mentioned type and a size class the one type of that size that mentions it. `None` if there are several.
    only: BTreeMap<(u32, u64), Option<u32>>,
}

impl Mentioning {
    fn new(evidence: &Evidence<'_>, names: &Names) -> Self {
        let samples = &evidence.input.samples;
        let mut sized: BTreeMap<(u32, u64), usize> = BTreeMap::new();
        for object in samples {
            *sized.entry((object.type_index, size_class(object.sample.usable))).or_default() += 1;
        }
        let held: BTreeSet<u32> =
            evidence.links.iter().filter_map(|link| evidence.type_of(link.sample)).collect();
        let mut only: BTreeMap<(u32, u64), Option<u32>> = BTreeMap::new();
        for ((holder, class), count) in
            sized.into_iter().filter(|((holder, _), _)| evidence.can_hold(*holder))
        {
            for held in held.iter().filter(|held| mentions(names.get(holder), names.get(**held))) {
                // A type with one sample has no vote, but it can be what another one is taken for.
                let vote = (count > 1).then_some(holder);
                only.entry((*held, class)).and_modify(|known| *known = None).or_insert(vote);
            }
        }
        Self { only }
    }

    /// The only type of a size whose name mentions everything that is held.
    fn find(&self, held: &[(u32, u32)], class: u64) -> Option<u32> {
        let mut found = held.iter().map(|(held, _)| self.only.get(&(*held, class)).copied().flatten());
        let first = found.next()??;
        found.all(|other| other == Some(first)).then_some(first)
    }
}

/// What an object is called, or else its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Name(u32),
    Size(u64),
}

fn kind_of(object: &Object) -> Kind {
    object.name.map_or(Kind::Size(size_class(object.bytes)), |name| Kind::Name(name.index))
}

/// Holder and held of all objects of chains, sorted.
fn held_objects(evidence: &Evidence<'_>) -> Vec<(u32, u32)> {
    let chains = evidence.chains.iter().flatten();
    let pairs = chains.flat_map(|chain| chain.objects.windows(2)).filter_map(|pair| match pair {
        [held, holder] => Some((*holder, *held)),
        _ => None,
    });
    let pairs: BTreeSet<(u32, u32)> = pairs.collect();
    pairs.into_iter().collect()
}

/// The names of sampled holders by the kind of what they hold, which may be unsampled, and their size.
fn votes_of_pairs(held_objects: &[(u32, u32)], objects: &Objects) -> BTreeMap<(Kind, u64), Ballot> {
    let mut votes: BTreeMap<(Kind, u64), Ballot> = BTreeMap::new();
    for (holder, held) in held_objects {
        if let Some(holder) = objects.get(*holder).filter(|holder| holder.sample.is_some())
            && let (Some(name), Some(held)) = (holder.name, objects.get(*held))
        {
            votes.entry((kind_of(held), size_class(holder.bytes))).or_default().add(name.index, 1.0);
        }
    }
    // One holder has no vote.
    votes.retain(|_, ballot| ballot.0.values().sum::<f64>() > 1.0);
    votes
}

fn field(offset: u32, bytes: u64) -> u64 {
    if bytes <= MAX_FIELDS { u64::from(offset) } else { u64::from(offset % 8) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_a_majority() {
        let ballot = |votes: &[(u32, f64)]| Ballot(votes.iter().copied().collect());
        let equal = |_: u32| 1.0;
        assert_eq!(ballot(&[(1, 6.0), (2, 4.0)]).winner(equal), Some(1));
        assert_eq!(ballot(&[(1, 5.9), (2, 4.1)]).winner(equal), None);
        assert_eq!(ballot(&[(1, 5.0), (2, 4.0)]).winner(|name| if name == 2 { 2.0 } else { 1.0 }), Some(2));
        assert_eq!(ballot(&[(1, 5.0)]).winner(|_| 0.0), None);
        assert_eq!(ballot(&[]).winner(equal), None);
    }

    #[test]
    fn a_type_mentions_whole_names_only() {
        assert!(mentions("HashMap<u64, Arc<Session>>", "Arc<Session>"));
        assert!(mentions("HashMap<u64, Arc<Session>>", "Session"));
        assert!(mentions("Vec<String>", "String"));
        assert!(!mentions("Vec<StringPool>", "String"));
        assert!(!mentions("Vec<Arc<u8>>", "Arc"));
        assert!(!mentions("Session", "Session"));
        assert!(!mentions("Vec<Session>", ""));
    }
}
