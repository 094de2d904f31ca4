//! Chains as rows show them: without the objects, and with each recursive type as one link.

use crate::holders_report::HolderLink;
use crate::names::size_class;
use crate::objects::Names;
use crate::scan::{HeldObject, ScanResult};

/// The most links that repeat together: `Node ← Vec<Node>` are two.
const MAX_PERIOD: usize = 4;

/// What makes two holders the same in a row: the name, or the size of an unnamed holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LinkKey {
    /// An index into the names of all results.
    Named(u32),
    /// A size class.
    Unnamed(u64),
}

/// A holder in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) key: LinkKey,
    pub(crate) bytes: u64,
    pub(crate) inferred: bool,
    pub(crate) repeated: bool,
}

impl Link {
    pub(crate) fn new(object: &HeldObject, result: &ScanResult, names: &mut Names) -> Self {
        let name = object.name.map(|name| result.names.get(name.index)).filter(|name| !name.is_empty());
        Self {
            key: match name {
                Some(name) => LinkKey::Named(names.intern(name.to_owned())),
                None => LinkKey::Unnamed(size_class(object.bytes)),
            },
            bytes: object.bytes,
            inferred: object.name.is_some_and(|name| name.inferred),
            repeated: false,
        }
    }

    pub(crate) fn finish(self, names: &Names) -> HolderLink {
        HolderLink {
            type_name: match self.key {
                LinkKey::Named(name) => Some(names.get(name).to_owned()),
                LinkKey::Unnamed(_) => None,
            },
            bytes: self.bytes,
            inferred: self.inferred,
            repeated: self.repeated,
        }
    }
}

/// Turns links that repeat into one: `Node ← Node ← Node ← list` into `Node ← list`.
pub(crate) fn collapse(links: impl Iterator<Item = Link>) -> Vec<Link> {
    let mut kept: Vec<Link> = Vec::new();
    for link in links {
        kept.push(link);
        for period in 1..=MAX_PERIOD.min(kept.len() / 2) {
            let (rest, second) = kept.split_at(kept.len() - period);
            let first = &rest[rest.len() - period..];
            if first.iter().zip(second).all(|(one, other)| one.key == other.key) {
                let end = kept.len() - period;
                kept.truncate(end);
                for link in kept.iter_mut().skip(end - period) {
                    link.repeated = true;
                }
                break;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: u32) -> Link {
        Link { key: LinkKey::Named(name), bytes: 64, inferred: false, repeated: false }
    }

    #[test]
    fn a_recursive_type_becomes_one_link() {
        let collapsed = |names: &[u32]| -> Vec<(LinkKey, bool)> {
            collapse(names.iter().map(|name| link(*name)))
                .iter()
                .map(|link| (link.key, link.repeated))
                .collect()
        };
        let named = |name, repeated| (LinkKey::Named(name), repeated);
        assert_eq!(collapsed(&[1, 1, 1, 2]), [named(1, true), named(2, false)]);
        assert_eq!(collapsed(&[1, 2, 1, 2, 1, 2, 3]), [named(1, true), named(2, true), named(3, false)]);
        assert_eq!(collapsed(&[1, 2, 1, 3]), [1, 2, 1, 3].map(|name| named(name, false)));
        assert_eq!(collapsed(&[1, 1, 2, 1, 1, 2]), [named(1, true), named(2, true)]);
        assert_eq!(collapsed(&[]), []);
    }
}
