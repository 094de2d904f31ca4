//! Names of well-known types: two tables from the compiler's path to what people write.
//!
//! A form is a name with numbered holes, `HashMap<0, 1>`. Hole `0` takes the first generic argument, hole `0.1` the
//! second part of the first argument, a tuple. Arguments without a hole (allocators, hashers) are dropped.

/// The path of a type as in `DW_AT_name`, and its form. Sorted by path.
const FORMS: &[(&str, &str)] = &[
    ("BTreeMap", "BTreeMap<0, 1>"),
    ("DashMap", "DashMap<0, 1>"),
    ("HashMap", "HashMap<0, 1>"),
    ("alloc::borrow::Cow", "Cow<0>"),
    ("alloc::boxed::Box", "Box<0>"),
    ("alloc::collections::binary_heap::BinaryHeap", "BinaryHeap<0>"),
    ("alloc::collections::btree::map::BTreeMap", "BTreeMap<0, 1>"),
    ("alloc::collections::btree::set::BTreeSet", "BTreeSet<0>"),
    ("alloc::collections::linked_list::LinkedList", "LinkedList<0>"),
    ("alloc::collections::vec_deque::VecDeque", "VecDeque<0>"),
    ("alloc::rc::Rc", "Rc<0>"),
    ("alloc::string::String", "String"),
    ("alloc::sync::Arc", "Arc<0>"),
    ("alloc::vec::Vec", "Vec<0>"),
    // The same name as in the rules of attribution. The last segment alone would say too little.
    ("arrow_buffer::Buffer", "arrow_buffer::Buffer"),
    // Adapters of futures and services around the one type that people know.
    ("axum::handler::service::HandlerService", "HandlerService<0>"),
    ("axum::util::MapIntoResponse", "0"),
    ("axum::util::MapIntoResponseFuture", "0"),
    ("broadcast::channel", "broadcast::channel<0>"),
    // Layers that add nothing to their content.
    ("core::cell::UnsafeCell", "0"),
    ("core::mem::manually_drop::ManuallyDrop", "0"),
    ("core::mem::maybe_uninit::MaybeUninit", "0"),
    ("crossbeam::channel", "crossbeam::channel<0>"),
    ("dashmap::DashMap", "DashMap<0, 1>"),
    ("dashmap::DashSet", "DashSet<0>"),
    ("hashbrown::map::HashMap", "HashMap<0, 1>"),
    ("hashbrown::raw::RawTable", "HashMap<0.0, 0.1>"),
    ("hashbrown::set::HashSet", "HashSet<0>"),
    ("http_body_util::combinators::map_err::MapErr", "0"),
    ("indexmap::map::IndexMap", "IndexMap<0, 1>"),
    ("indexmap::set::IndexSet", "IndexSet<0>"),
    ("mpsc::channel", "mpsc::channel<0>"),
    ("oneshot::channel", "oneshot::channel<0>"),
    ("std::collections::hash::map::HashMap", "HashMap<0, 1>"),
    ("std::collections::hash::set::HashSet", "HashSet<0>"),
    ("tokio::loom::std::unsafe_cell::UnsafeCell", "0"),
    ("tokio::runtime::blocking::task::BlockingTask", "0"),
    ("tower::util::map_err::MapErr", "0"),
    ("tower::util::map_err::MapErrFuture", "0"),
    ("tower::util::map_future::MapFuture", "0"),
    ("tower::util::map_request::MapRequest", "0"),
    ("watch::channel", "watch::channel<0>"),
];

/// Types that are a container's own allocation, and the form of the container: a box, vector or shared pointer of
/// such a type *is* that container. Sorted by path.
const NODES: &[(&str, &str)] = &[
    ("alloc::collections::btree::node::InternalNode", "BTreeMap<0, 1>"),
    ("alloc::collections::btree::node::LeafNode", "BTreeMap<0, 1>"),
    ("alloc::collections::linked_list::Node", "LinkedList<0>"),
    ("alloc::rc::RcBox", "Rc<0>"),
    ("alloc::rc::RcInner", "Rc<0>"),
    ("alloc::sync::ArcInner", "Arc<0>"),
    ("arrow_buffer::bytes::Bytes", "arrow_buffer::Buffer"),
    ("bytes::bytes::Shared", "Bytes"),
    ("bytes::bytes_mut::Shared", "BytesMut"),
    ("crossbeam_channel::counter::Counter", "0"),
    ("crossbeam_channel::flavors::array::Channel", "crossbeam::channel<0>"),
    ("crossbeam_channel::flavors::array::Slot", "crossbeam::channel<0>"),
    ("crossbeam_channel::flavors::list::Block", "crossbeam::channel<0>"),
    ("crossbeam_channel::flavors::list::Channel", "crossbeam::channel<0>"),
    ("crossbeam_channel::flavors::zero::Channel", "crossbeam::channel<0>"),
    ("crossbeam_queue::array_queue::Slot", "ArrayQueue<0>"),
    ("crossbeam_queue::seg_queue::Block", "SegQueue<0>"),
    ("futures_channel::mpsc::BoundedInner", "mpsc::channel<0>"),
    ("futures_channel::mpsc::UnboundedInner", "mpsc::channel<0>"),
    ("futures_channel::mpsc::queue::Node", "mpsc::channel<0>"),
    ("futures_channel::oneshot::Inner", "oneshot::channel<0>"),
    ("http::header::map::Bucket", "HeaderMap<0>"),
    ("http::header::map::ExtraValue", "HeaderMap<0>"),
    ("slab::Entry", "Slab<0>"),
    // Slots do not know the type of the keys. The rows of attribution do, if the search reaches the map's functions.
    ("slotmap::basic::Slot", "SlotMap<_, 0>"),
    ("slotmap::hop::Slot", "HopSlotMap<_, 0>"),
    ("slotmap::secondary::Slot", "SecondaryMap<_, 0>"),
    ("std::sync::mpmc::array::Channel", "mpsc::channel<0>"),
    ("std::sync::mpmc::array::Slot", "mpsc::channel<0>"),
    ("std::sync::mpmc::counter::Counter", "0"),
    ("std::sync::mpmc::list::Block", "mpsc::channel<0>"),
    ("std::sync::mpmc::list::Channel", "mpsc::channel<0>"),
    ("std::sync::mpmc::zero::Channel", "mpsc::channel<0>"),
    ("tokio::runtime::task::core::Cell", "task 0"),
    ("tokio::sync::broadcast::Shared", "broadcast::channel<0>"),
    ("tokio::sync::mpsc::block::Block", "mpsc::channel<0>"),
    ("tokio::sync::mpsc::chan::Chan", "mpsc::channel<0>"),
    ("tokio::sync::oneshot::Inner", "oneshot::channel<0>"),
    ("tokio::sync::watch::Shared", "watch::channel<0>"),
];

/// The types in which nodes are allocated.
#[rustfmt::skip]
const HOLDERS: &[&str] = &[
    "Arc", "Box", "Rc", "Vec", "alloc::boxed::Box", "alloc::rc::Rc", "alloc::rc::RcInner", "alloc::sync::Arc",
    "alloc::sync::ArcInner", "alloc::vec::Vec",
];

pub(crate) fn form_of(path: &str) -> Option<&'static str> {
    [FORMS, NODES].into_iter().find_map(|table| row_of(table, path))
}

pub(crate) fn is_node(path: &str) -> bool {
    row_of(NODES, path).is_some()
}

pub(crate) fn holds_nodes(path: &str) -> bool {
    HOLDERS.binary_search(&path).is_ok()
}

fn row_of(table: &[(&str, &'static str)], path: &str) -> Option<&'static str> {
    table.binary_search_by_key(&path, |(known, _)| known).ok().map(|at| table[at].1)
}

/// Calls `text` for the text between holes of a form, and `hole` with the indices of each hole.
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
    fn tables_are_sorted_for_binary_search() {
        assert!(FORMS.is_sorted_by_key(|(path, _)| path));
        assert!(NODES.is_sorted_by_key(|(path, _)| path));
        assert!(HOLDERS.is_sorted());
    }

    #[test]
    fn walks_a_form_in_order() {
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
