//! The populations: which rows they are, and which holders are right.

mod populations;

use memory_debug_holders::RootKind;

pub(crate) use populations::COUNT;
use populations::POPULATIONS;

/// A population.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Its name.
    pub(crate) population: &'static str,
    /// Its type. `*` stands for any text, and `|` separates alternatives.
    pub(crate) type_name: &'static str,
    /// What happened to it.
    pub(crate) fate: Fate,
}

/// What happened to a population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// Something holds it.
    Held {
        /// The types of its holders, the direct one first. Empty if the root itself holds it. A chain may leave out or
        /// repeat any of them, except the direct one, and none has to have a name. After `...`, any holders may follow.
        by: &'static [&'static str],
        /// The kinds and names of the roots that are right.
        roots: &'static [(RootKind, &'static str)],
    },
    /// Nothing points to it. `cycle` lists the types that hold each other.
    Lost { cycle: &'static [&'static str] },
    /// Only unused capacity points to it.
    Stale,
}

/// Any further holders: the inside of a library.
pub(crate) const REST: &str = "...";

/// All populations.
pub(crate) fn populations() -> &'static [Expected] {
    &POPULATIONS
}

/// The index of a population.
pub(crate) fn position(population: &str) -> usize {
    let found = POPULATIONS.iter().position(|expected| expected.population == population);
    found
        .unwrap_or_else(|| panic!("the population `{population}` is not in the list of expected populations"))
}

/// Whether a name fits a pattern, in which `*` stands for any text and `|` separates alternatives. An argument `_` of the
/// name fits any argument: the scan says that it does not know it.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    pattern.split('|').any(|pattern| fits_one(pattern, name, ' '))
}

/// `before` is the character in front of the name.
fn fits_one(pattern: &str, name: &str, before: char) -> bool {
    if let Some(after) = pattern.strip_prefix('*') {
        let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
        return { ends }
            .any(|at| fits_one(after, &name[at..], name[..at].chars().next_back().unwrap_or(before)));
    }
    if let Some(rest) = name.strip_prefix('_').filter(|rest| rest.starts_with([',', '>']))
        && matches!(before, '<' | ' ')
    {
        return fits_one(&pattern[argument_end(pattern)..], rest, '_');
    }
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some(one), Some(other)) if one == other => {
            fits_one(&pattern[one.len_utf8()..], &name[one.len_utf8()..], one)
        }
        _ => false,
    }
}

/// Where the first argument of a list ends.
fn argument_end(list: &str) -> usize {
    let mut depth = 0_usize;
    let end = list.char_indices().find(|(_, c)| {
        let is_end = depth == 0 && matches!(c, ',' | '>');
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_end
    });
    end.map_or(list.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_names() {
        for (pattern, name, expected) in [
            ("String", "String", true),
            ("String", "Strings", false),
            ("*SESSIONS*", "holders_truth::statics::SESSIONS", true),
            ("*SESSIONS*", "holders_truth::statics::PAGES", false),
            ("task *tasks::connection", "task holders_truth::tasks::connection", true),
            ("Bytes|Vec<u8>*", "Vec<u8> in populate (src/shared.rs)", true),
            ("Bytes|Vec<u8>*", "Vec<u64>", false),
            ("*", "", true),
            ("HashMap<u64, Box<Leaf>>", "HashMap<_, Box<Leaf>>", true),
            ("HashMap<String, HashMap<u64, Leaf>>", "HashMap<_, HashMap<_, Leaf>>", true),
            ("Arc<HashMap<(u8, Key<A>), Leaf>>", "Arc<HashMap<_, Leaf>>", true),
            ("HashMap<u64, Box<Leaf>>", "HashMap<_, Box<Other>>", false),
            ("HashMap<u64, Box<Leaf>>", "HashMap<_>", false),
            ("HashMap<u64, Box<Leaf>>", "Vec<_>", false),
            ("HashMap<u64, Box<Leaf>>", "_", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn populations_have_different_names() {
        for (at, one) in populations().iter().enumerate() {
            assert_eq!(position(one.population), at, "{}", one.population);
        }
    }

    #[test]
    fn there_are_enough_shapes() {
        let shape = |expected: &Expected| expected.population.split(':').next().unwrap_or_default();
        let shapes: std::collections::BTreeSet<&str> = populations().iter().map(shape).collect();
        assert!(shapes.len() >= 25, "{shapes:?}");
    }
}
