//! The names of holders and chains, as people read them. All of them are printable and on one line.

use std::fmt::{self, Display, Formatter};

use memory_debug_report::units::short_name;

use crate::holders_report::{HolderChain, HolderLink, HolderRoot, RootKind};

/// Stands between an object and its holder.
const HELD_BY: &str = " ← ";

/// Stands before a type that was inferred.
pub(crate) const INFERRED: &str = "≈ ";

/// The most further roots that a chain names.
const MOST_ROOTS: usize = 3;

impl Display for HolderLink {
    /// `Session`, `≈ Session` if it is inferred, `list of Node` if several follow each other, and `[640 bytes]` if the
    /// type is not known.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.repeated {
            f.write_str("list of ")?;
        }
        match &self.type_name {
            Some(name) => write!(f, "{}{}", if self.inferred { INFERRED } else { "" }, short_name(name)),
            None => write!(f, "[{} bytes]", self.bytes),
        }
    }
}

impl Display for HolderRoot {
    /// `static shop::SESSIONS`, `thread-local shop::CACHE`, `stack of thread worker-3`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.name) {
            (RootKind::Static, Some(name)) => write!(f, "static {}", short_name(name))?,
            (RootKind::Static, None) => f.write_str("a static without a name")?,
            (RootKind::ThreadLocal, Some(name)) => write!(f, "thread-local {}", short_name(name))?,
            (RootKind::ThreadLocal, None) => f.write_str("a thread-local without a name")?,
            (RootKind::Stack, Some(name)) => write!(f, "stack of thread {}", short_name(name))?,
            (RootKind::Stack, None) => f.write_str("the stack of a thread")?,
            (RootKind::CHeap, _) => f.write_str("the heap of C code")?,
            (RootKind::Mapping, Some(name)) => write!(f, "mapping {}", short_name(name))?,
            (RootKind::Mapping, None) => f.write_str("another mapping")?,
        }
        if self.also.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = self.also.iter().take(MOST_ROOTS).map(|name| short_name(name)).collect();
        write!(f, " (also {}", named.join(", "))?;
        match self.also.len() - named.len() {
            0 => f.write_str(")"),
            more => write!(f, " and {more} more)"),
        }
    }
}

impl HolderChain {
    /// The chain of an object of `type_name`: `String ← Session ← static shop::SESSIONS`.
    #[must_use]
    pub fn text(&self, type_name: &str) -> String {
        let mut text = short_name(type_name);
        for link in &self.links {
            text = text + HELD_BY + &link.to_string();
        }
        text = text + HELD_BY + &self.root.to_string();
        if self.doubtful { text + " (doubtful)" } else { text }
    }
}

/// A cycle, which ends where it begins: `Node → Vec<Arc<Node>> → Node`. Empty if it has no types.
pub(crate) fn cycle(types: &[String]) -> String {
    let names = types.iter().chain(types.first()).map(|name| short_name(name));
    names.collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_without_a_known_type_is_never_guessed() {
        let unnamed = HolderLink { bytes: 640, ..HolderLink::default() };
        assert_eq!(unnamed.to_string(), "[640 bytes]");
        let list =
            HolderLink { type_name: Some("shop::Node".into()), repeated: true, ..HolderLink::default() };
        assert_eq!(list.to_string(), "list of shop::Node");
        assert_eq!(HolderLink { repeated: true, ..unnamed }.to_string(), "list of [640 bytes]");
        assert_eq!(HolderLink { inferred: true, ..list }.to_string(), "list of ≈ shop::Node");
    }

    #[test]
    fn every_root_has_a_text_with_and_without_a_name() {
        let of = |kind, name: Option<&str>| {
            HolderRoot { kind, name: name.map(str::to_owned), also: Vec::new() }.to_string()
        };
        for (kind, named, unnamed) in [
            (RootKind::Static, "static x", "a static without a name"),
            (RootKind::ThreadLocal, "thread-local x", "a thread-local without a name"),
            (RootKind::Stack, "stack of thread x", "the stack of a thread"),
            (RootKind::CHeap, "the heap of C code", "the heap of C code"),
            (RootKind::Mapping, "mapping x", "another mapping"),
        ] {
            assert_eq!((&*of(kind, Some("x")), &*of(kind, None)), (named, unnamed));
        }
    }

    #[test]
    fn further_roots_are_named_up_to_a_limit() {
        let mut root = HolderRoot { kind: RootKind::Static, name: Some("A".into()), also: vec!["B".into()] };
        assert_eq!(root.to_string(), "static A (also B)");
        root.also = ["B", "C", "D", "E", "F"].map(str::to_owned).into();
        assert_eq!(root.to_string(), "static A (also B, C, D and 2 more)");
    }

    #[test]
    fn a_cycle_ends_where_it_begins() {
        assert_eq!(cycle(&["Node".into(), "Vec<Arc<Node>>".into()]), "Node → Vec<Arc<Node>> → Node");
        assert_eq!((cycle(&["Node".into()]), cycle(&[])), ("Node → Node".into(), String::new()));
    }
}
