//! How likely a chain leads over a dead word.
//!
//! Padding, unused slots and freed parts of objects have words that are no longer in use. The more words a holder has, the more
//! of them can be dead. So of two chains that explain the same, the one with the shorter description is chosen: the bits
//! that it takes to say which word of each holder leads on.

use crate::back_pointers::bit;
use crate::chain::Chain;
use crate::holders_report::{HolderRoot, RootKind};
use crate::names::{mentions, size_class};
use crate::objects::{Names, Object, Objects};

/// Bits of a holder with a name, at most: a type tells what most of the words are.
const NAMED: u64 = 6;

/// Bits of a root. Statics and thread-locals have hardly a word that is dead. All stacks in use have some 16,000 words, most of
/// which are. Blocks of C code can be free; a stack without a name is no longer needed. What this library holds is no
/// answer if there is another.
fn of_root(root: &HolderRoot, is_own: bool) -> u64 {
    match (root.kind, root.name.is_some()) {
        _ if is_own => 48,
        (RootKind::Static | RootKind::ThreadLocal, _) => 0,
        (RootKind::Stack, true) => 14,
        (RootKind::CHeap | RootKind::Mapping, _) => 24,
        (RootKind::Stack, false) => 32,
    }
}

/// The bits that describe a chain. A holder whose type mentions what it holds takes none, and nodes of the same kind count
/// once. Holders that a pointer back confirms take none, too: `confirmed` has a bit for each. `held` is the type of the
/// sample. The root says whether it belongs to this library.
pub(crate) fn description_bits(
    held: u32,
    (chain, confirmed): (&Chain, u64),
    root: Option<(&HolderRoot, bool)>,
    (objects, names): (&Objects, &Names),
) -> u64 {
    let mut bits = root.map_or(48, |(root, is_own)| of_root(root, is_own));
    let mut before = Kind::Named(held);
    for (at, index) in chain.objects.iter().enumerate() {
        let Some(object) = objects.get(*index) else { continue };
        let kind = kind_of(object);
        let all = u64::from((object.bytes / 8).max(1).ilog2());
        bits += match (kind, before) {
            _ if kind == before || confirmed & bit(at) != 0 => 0,
            (Kind::Named(name), Kind::Named(held)) if mentions(names.get(name), names.get(held)) => 0,
            (Kind::Named(_), _) => all.min(NAMED),
            (Kind::Size(_), _) => all,
        };
        before = kind;
    }
    bits
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Named(u32),
    Size(u64),
}

fn kind_of(object: &Object) -> Kind {
    object.name.map_or(Kind::Size(size_class(object.bytes)), |name| Kind::Named(name.index))
}
