//! Whether one chain of holders is right.

use memory_debug_holders::{HolderChain, HolderLink, HolderRoot};

use crate::expected::{Expected, Fate, REST, fits};

/// How right a chain is. A better verdict is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Holders and root are wrong.
    Wrong,
    /// Only the root is right.
    RightRoot,
    /// All holders that have a name are right, and the root is right.
    Right,
    /// And the direct holder has its name.
    RightWithDirect,
}

impl Verdict {
    pub(super) fn is_right(self) -> bool {
        self >= Self::Right
    }
}

/// Judges a chain of an object of the population.
pub(super) fn judge_chain(expected: &Expected, chain: &HolderChain) -> Verdict {
    let Fate::Held { by, roots } = expected.fate else {
        return Verdict::Wrong;
    };
    if !roots.iter().any(|(kind, name)| is_root(&chain.root, *kind, name)) {
        return Verdict::Wrong;
    }
    if !are_holders(expected.type_name, by, &chain.links) {
        return Verdict::RightRoot;
    }
    if has_direct(expected.type_name, by, &chain.links) { Verdict::RightWithDirect } else { Verdict::Right }
}

fn is_root(root: &HolderRoot, kind: memory_debug_holders::RootKind, name: &str) -> bool {
    root.kind == kind && fits(name, root.name.as_deref().unwrap_or_default())
}

/// Whether a holder is of the population's own type, which may hold itself: a list.
fn is_same(own: &str, by: &[&str], name: &str) -> bool {
    fits(own, name) && by.iter().any(|holder| *holder != REST && fits(holder, name))
}

/// Whether the holders that have names are the expected ones, in their order.
fn are_holders(own: &str, by: &[&str], links: &[HolderLink]) -> bool {
    let mut at = 0;
    for (position, link) in links.iter().enumerate() {
        let Some(name) = link.type_name.as_deref().filter(|name| !is_same(own, by, name)) else {
            continue;
        };
        // Only the direct holder must be the first expected one: something else does not hold it directly.
        let last = if position == 0 { 1.min(by.len()) } else { by.len() };
        match (at..last).find(|&at| by[at] == REST || fits(by[at], name)) {
            Some(found) if by[found] == REST => return true,
            Some(found) => at = found,
            None => return false,
        }
    }
    true
}

/// Whether the direct holder has its name, or the root itself holds the object as expected.
fn has_direct(own: &str, by: &[&str], links: &[HolderLink]) -> bool {
    match (links.first(), by.first()) {
        (None, None) => true,
        (None, Some(expected)) => *expected == "*",
        (Some(_), None) => false,
        (Some(link), Some(expected)) => {
            link.type_name.as_deref().is_some_and(|name| fits(expected, name) || is_same(own, by, name))
        }
    }
}

/// A chain as text: `← Arc<Session> ← [64 bytes] ← static SESSIONS`.
pub(super) fn chain_text(chain: &HolderChain) -> String {
    let link = |link: &HolderLink| {
        let name = link.type_name.clone().unwrap_or_else(|| format!("[{} bytes]", link.bytes));
        let marks = [(link.inferred, "?"), (link.repeated, "*")];
        marks.iter().filter(|(marked, _)| *marked).fold(name, |name, (_, mark)| name + mark)
    };
    let name = chain.root.name.as_deref().unwrap_or("without a name");
    let root = format!("{:?} {name}", chain.root.kind);
    let doubtful = if chain.doubtful { " (doubtful)" } else { "" };
    chain.links.iter().map(link).chain([root]).map(|part| format!("← {part}")).collect::<Vec<_>>().join(" ")
        + doubtful
}
