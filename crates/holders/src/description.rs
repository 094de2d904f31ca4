//! How likely a chain leads over a dead word.
//!
//! Padding, unused slots and freed parts of objects have words that are no longer in use. The more words a holder has, the more
//! of them can be dead. So of two chains that explain the same, the one with the shorter description is chosen: the bits
//! that it takes to say which word of each holder leads on.

use std::collections::BTreeSet;

use crate::back_pointers::bit;
use crate::chain::{Chain, word_bits};
use crate::holders_report::{HolderRoot, RootKind};
use crate::names::{mentions, size_class};
use crate::objects::{Names, Object, Objects};

/// Bits of a holder with a name, at most: a type tells what most of the words are.
const NAMED: u64 = 6;

/// Bits of a pointer to an inner node of a structure: which of its nodes it is.
const INNER: u64 = 16;

/// Thread-locals that hold nothing: a parked thread leaves the address of its lock there.
const BORROWING: &str = "parking_lot_core::parking_lot::with_thread_data::THREAD_DATA";

/// What a root belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The program's own crate.
    Program,
    /// Other crates, threads, and what has no name.
    Other,
    /// The library that scans.
    Scanner,
}

/// Bits of a root. Statics and thread-locals have hardly a word that is dead. A static is not generic, so one of a
/// dependency holds the program's objects only through `dyn` and raw pointers. All stacks in use have some 16,000 words,
/// most of which are dead. Blocks of C code can be free; a stack without a name is no longer needed. What this library
/// holds is no answer if there is another.
fn of_root(root: &HolderRoot, owner: Owner) -> u64 {
    let is_borrowing = root.name.as_deref().is_some_and(|name| name.starts_with(BORROWING));
    match (root.kind, root.name.is_some()) {
        _ if owner == Owner::Scanner => 48,
        (RootKind::ThreadLocal, _) if is_borrowing => 24,
        (RootKind::Static | RootKind::ThreadLocal, _) => u64::from(owner != Owner::Program),
        (RootKind::Stack, true) => 14,
        (RootKind::CHeap | RootKind::Mapping, _) => 24,
        (RootKind::Stack, false) => 32,
    }
}

/// The bits that describe a chain. A holder whose type mentions what it holds takes none, and each step from one kind to
/// another counts once: a tree alternates between nodes and lists of children. Of the blocks of one list, some have no
/// name, so beside an object of the same size an object without a name takes none. Holders that a pointer back confirms
/// take none, too: `confirmed` has a bit for each. `held` is the type of the sample. `root` comes with its owner.
pub(crate) fn description_bits(
    held: u32,
    (chain, confirmed): (&Chain, u64),
    root: Option<(&HolderRoot, Owner)>,
    (objects, names): (&Objects, &Names),
) -> u64 {
    let mut bits = root.map_or(48, |(root, owner)| of_root(root, owner));
    bits += if chain.is_inner { INNER } else { 0 };
    let (mut before, mut bytes_before) = (Kind::Named(held), None);
    let mut seen = BTreeSet::new();
    for (at, index) in chain.objects.iter().enumerate() {
        let Some(object) = objects.get(*index) else { continue };
        let kind = kind_of(object);
        let all = u64::from(word_bits(object.bytes));
        let is_unnamed = matches!(kind, Kind::Size(_)) || matches!(before, Kind::Size(_));
        let is_like = is_unnamed && bytes_before == Some(object.bytes);
        let is_known = kind == before || !seen.insert((before, kind)) || is_like || confirmed & bit(at) != 0;
        bits += match (kind, before) {
            _ if is_known => 0,
            (Kind::Named(name), Kind::Named(held)) if mentions(names.get(name), names.get(held)) => 0,
            (Kind::Named(_), _) => all.min(NAMED),
            (Kind::Size(_), _) => all,
        };
        (before, bytes_before) = (kind, Some(object.bytes));
    }
    bits
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Named(u32),
    Size(u64),
}

fn kind_of(object: &Object) -> Kind {
    object.name.map_or(Kind::Size(size_class(object.bytes)), |name| Kind::Named(name.index))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: u32 = 0;
    const MAP: u32 = 1;
    const BLOCK: u32 = 2;

    fn bits(holders: &[(u64, Option<u32>)], confirmed: u64) -> u64 {
        let names = ["Box<Mail>", "HashMap<u64, Box<Mail>>", "Block"].map(str::to_owned);
        let objects = (0..holders.len() as u32).collect();
        let chain = Chain { objects, ..Chain::default() };
        let root = HolderRoot { kind: RootKind::Static, name: None, also: Vec::new() };
        let known = (&Objects::named(holders), &Names::of_types(&names));
        description_bits(MAIL, (&chain, confirmed), Some((&root, Owner::Program)), known)
    }

    #[test]
    fn the_address_of_a_lock_is_hardly_a_holder() {
        let of = |kind, name: &str| {
            of_root(&HolderRoot { kind, name: Some(name.into()), also: Vec::new() }, Owner::Program)
        };
        assert_eq!(of(RootKind::ThreadLocal, "tokio::runtime::context::CONTEXT"), 0);
        assert!(of(RootKind::ThreadLocal, BORROWING) > of(RootKind::Stack, "worker"));
    }

    #[test]
    fn a_holder_counts_by_its_words_unless_its_type_explains_what_it_holds() {
        assert_eq!(bits(&[], 0), 0);
        assert_eq!(bits(&[(64, None)], 0), 3);
        assert_eq!(bits(&[(1 << 20, None), (64, None)], 0), 17 + 3);
        assert_eq!(bits(&[(1 << 20, Some(BLOCK))], 0), NAMED);
        assert_eq!(bits(&[(1 << 20, Some(MAP)), (64, None)], 0), 3);
        assert_eq!(bits(&[(1 << 20, None), (64, None)], 0b01), 3);
    }

    #[test]
    fn steps_between_the_same_kinds_count_once() {
        assert_eq!(bits(&[(64, None), (64, None)], 0), 3);
        // A tree alternates between nodes and lists of children.
        let (node, list) = ((64, Some(BLOCK)), (128, None));
        assert_eq!(bits(&[node, list, node, list, node, list], 0), 3 + 4 + 3);
        // Objects of one size need not be of one kind.
        assert_eq!(bits(&[list, (64, None), (32, None), list], 0), 4 + 3 + 2 + 4);
        // Some blocks of a list have no name.
        let (named, unnamed) = ((512, Some(BLOCK)), (512, None));
        assert_eq!(bits(&[unnamed, named, unnamed, unnamed, named], 0), 6);
        assert_eq!(bits(&[named, unnamed], 0), 6);
        // Two names are two kinds.
        assert_eq!(bits(&[named, (512, Some(MAIL))], 0), 6 + 6);
    }
}
