//! How well-known types are written: a table from the compiler's path to what a person would write.
//!
//! A form is a name with numbered holes, `HashMap<0, 1>`: hole `0` takes the first generic argument, hole `0.1` the
//! second part of the first argument, a tuple. Arguments without a hole - allocators, hashers - are folded away.

/// Path of a type as in `DW_AT_name`, and its form. Sorted by path.
const FORMS: &[(&str, &str)] = &[
    ("alloc::borrow::Cow", "Cow<0>"),
    ("alloc::boxed::Box", "Box<0>"),
    ("alloc::collections::binary_heap::BinaryHeap", "BinaryHeap<0>"),
    ("alloc::collections::btree::map::BTreeMap", "BTreeMap<0, 1>"),
    ("alloc::collections::btree::node::InternalNode", "BTreeMap<0, 1>"),
    ("alloc::collections::btree::node::LeafNode", "BTreeMap<0, 1>"),
    ("alloc::collections::btree::set::BTreeSet", "BTreeSet<0>"),
    ("alloc::collections::linked_list::LinkedList", "LinkedList<0>"),
    ("alloc::collections::linked_list::Node", "LinkedList<0>"),
    ("alloc::collections::vec_deque::VecDeque", "VecDeque<0>"),
    ("alloc::rc::Rc", "Rc<0>"),
    ("alloc::rc::RcBox", "Rc<0>"),
    ("alloc::rc::RcInner", "Rc<0>"),
    ("alloc::string::String", "String"),
    ("alloc::sync::Arc", "Arc<0>"),
    ("alloc::sync::ArcInner", "Arc<0>"),
    ("alloc::vec::Vec", "Vec<0>"),
    ("dashmap::DashMap", "DashMap<0, 1>"),
    ("dashmap::DashSet", "DashSet<0>"),
    ("hashbrown::map::HashMap", "HashMap<0, 1>"),
    ("hashbrown::raw::RawTable", "HashMap<0.0, 0.1>"),
    ("hashbrown::set::HashSet", "HashSet<0>"),
    ("indexmap::map::IndexMap", "IndexMap<0, 1>"),
    ("indexmap::set::IndexSet", "IndexSet<0>"),
    // As the rules of attribution name it: without its module nobody knows which channel.
    ("mpsc::channel", "mpsc::channel<0>"),
    ("std::collections::hash::map::HashMap", "HashMap<0, 1>"),
    ("std::collections::hash::set::HashSet", "HashSet<0>"),
    ("tokio::runtime::task::core::Cell", "task 0"),
    ("tokio::sync::mpsc::block::Block", "mpsc::channel<0>"),
];

/// Types that are a container's own allocation: a box around one of them is that container, not a `Box`.
const NODES: &[&str] = &[
    "alloc::collections::btree::node::InternalNode",
    "alloc::collections::btree::node::LeafNode",
    "alloc::collections::linked_list::Node",
    "alloc::rc::RcBox",
    "alloc::rc::RcInner",
    "alloc::sync::ArcInner",
    "tokio::runtime::task::core::Cell",
    "tokio::sync::mpsc::block::Block",
];

pub(crate) fn form_of(path: &str) -> Option<&'static str> {
    FORMS.binary_search_by_key(&path, |(known, _)| known).ok().map(|at| FORMS[at].1)
}

pub(crate) fn is_node(path: &str) -> bool {
    NODES.binary_search(&path).is_ok()
}

/// Walks through a form: `text` gets what stands between holes, `hole` the indices of each hole.
pub(crate) fn walk<'f>(form: &'f str, mut text: impl FnMut(&'f str), mut hole: impl FnMut(&[usize])) {
    let mut rest = form;
    while !rest.is_empty() {
        let digits = |c: char| c.is_ascii_digit();
        let start = rest.find(digits).unwrap_or(rest.len());
        text(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if end > 0 {
            let indices: Vec<usize> = rest[..end].split('.').filter_map(|index| index.parse().ok()).collect();
            hole(&indices);
        }
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_so_that_binary_search_finds_every_row() {
        assert!(FORMS.is_sorted_by_key(|(path, _)| path));
        assert!(NODES.is_sorted());
        assert!(NODES.iter().all(|node| form_of(node).is_some()));
    }

    #[test]
    fn a_form_is_walked_in_order() {
        let parts = std::cell::RefCell::new(Vec::new());
        walk(
            "A<0, 1.2>",
            |text| parts.borrow_mut().push(text.to_owned()),
            |hole| {
                parts.borrow_mut().push(format!("{hole:?}"));
            },
        );
        assert_eq!(parts.into_inner(), ["A<", "[0]", ", ", "[1, 2]", ">"]);
    }
}
