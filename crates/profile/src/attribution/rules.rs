//! Which frame names the owner of an allocation: a table, one row for each family of containers.
//!
//! A container allocates through layers: `Vec::push` calls `RawVec::grow_one`, `HashSet::insert` calls
//! `RawTable::reserve_rehash`. Reading from the allocator outwards, the first row that fits makes the owner; a row
//! further out takes over if it stands `over` the family found so far, or is of that family and puts an element in.
//! Adding a family is adding a row.

use super::function::{FunctionInfo, Origin};

/// What a row wants of a frame's generic arguments.
#[derive(Debug, PartialEq, Eq)]
enum Arguments {
    /// Anything.
    Any,
    /// None: what is written for one type alone. `From<&str> for Arc<str>` has none, `From<&[T]> for Arc<[T]>` has.
    None,
    /// First an array; its element is part `0` of it.
    Array,
    /// The element of the owner taken over: a container that is made from another.
    SameElement,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Module of the frame; modules below it count too.
    module: &'static str,
    /// Functions of the module the row speaks of; all if empty.
    functions: &'static [&'static str],
    /// What the frame's generic arguments must be.
    arguments: Arguments,
    /// Families this row takes over; a row without any begins a chain.
    over: &'static [&'static str],
    /// Name for rows further out to stand over.
    pub(crate) family: &'static str,
    /// The owner, with holes for the frame's generic arguments (`0`), or (`^0`) those of the owner taken over.
    pub(crate) owner: &'static str,
}

const fn begins(
    module: &'static str,
    functions: &'static [&'static str],
    family: &'static str,
    owner: &'static str,
) -> Rule {
    Rule { module, functions, arguments: Arguments::Any, over: &[], family, owner }
}

const fn takes(
    module: &'static str,
    functions: &'static [&'static str],
    over: &'static [&'static str],
    family: &'static str,
    owner: &'static str,
) -> Rule {
    Rule { module, functions, arguments: Arguments::Any, over, family, owner }
}

const fn made_from(
    module: &'static str,
    over: &'static [&'static str],
    family: &'static str,
    owner: &'static str,
) -> Rule {
    Rule { module, functions: &[], arguments: Arguments::SameElement, over, family, owner }
}

const fn begins_with_array(
    module: &'static str,
    functions: &'static [&'static str],
    family: &'static str,
    owner: &'static str,
) -> Rule {
    Rule { module, functions, arguments: Arguments::Array, over: &[], family, owner }
}

const fn takes_plain(
    module: &'static str,
    over: &'static [&'static str],
    family: &'static str,
    owner: &'static str,
) -> Rule {
    Rule { module, functions: &[], arguments: Arguments::None, over, family, owner }
}

/// Functions of `Rc` and `Arc` whose first argument is the element of a slice.
const SLICE_OF: &[&str] = &["allocate_for_slice", "copy_from_slice", "from_iter_exact"];
/// Functions of `Rc` and `Arc` whose first argument is what they hold.
const HOLDS: &[&str] =
    &["allocate_for_layout", "try_allocate_for_layout", "allocate_for_ptr", "new_uninit", "new_uninit_in"];

/// Functions that put one element into a container and make nothing but room for it. Layers below that are not inlined
/// may be those of another element of equal layout, which these then correct. Functions that make elements as well, like
/// `clone`, cannot: there the inner owner may be such an element.
const PUSHES: &[&str] = &[
    "_insert",
    "append",
    "insert",
    "insert_at",
    "insert_entry",
    "insert_full",
    "insert_mut",
    "push",
    "push_back",
    "push_back_mut",
    "push_front",
    "push_front_mut",
    "push_mut",
    "send",
    "try_append",
    "try_append2",
    "try_insert",
    "try_insert2",
    "try_send",
];

/// Rows are tried in order; the first that fits counts.
#[rustfmt::skip]
static RULES: &[Rule] = &[
    // Growable arrays. `RawVec` is shared, and never inlined: where instances have the same machine code the linker
    // keeps one, so its own argument is only a guess that any frame further out corrects.
    begins("alloc::raw_vec", &[], "RawVec", "Vec<0>"),
    takes("alloc::raw_vec", &[], &["RawVec"], "RawVec", "Vec<0>"),
    // Has its iterator before the element. It allocates itself where it shrinks what it took over; where it need not,
    // the memory stays in the row of the vector it was allocated for, for no stack tells that it changed hands.
    begins("alloc::vec::in_place_collect", &["from_iter_in_place"], "Vec", "Vec<1>"),
    takes("alloc::vec::in_place_collect", &["from_iter_in_place"], &["RawVec"], "Vec", "Vec<1>"),
    takes("alloc::vec", &["into_boxed_slice"], &["Vec", "RawVec"], "Box", "Box<[0]>"),
    begins("alloc::vec", &[], "Vec", "Vec<0>"),
    takes("alloc::vec", &[], &["RawVec"], "Vec", "Vec<0>"),
    begins("alloc::slice", &["to_vec", "to_vec_in", "into_vec", "repeat"], "Vec", "Vec<0>"),
    takes("alloc::slice", &["to_vec", "to_vec_in", "into_vec", "repeat"], &["RawVec"], "Vec", "Vec<0>"),
    takes("alloc::collections::vec_deque", &[], &["RawVec"], "VecDeque", "VecDeque<0>"),
    begins("alloc::collections::vec_deque", &[], "VecDeque", "VecDeque<0>"),
    made_from("alloc::collections::vec_deque", &["Vec"], "VecDeque", "VecDeque<0>"),
    made_from("alloc::collections::binary_heap", &["Vec", "RawVec"], "BinaryHeap", "BinaryHeap<0>"),

    // Text.
    takes("alloc::string", &[], &["Vec<u8>"], "String", "String"),
    takes("alloc::str", &[], &["Vec<u8>"], "String", "String"),
    takes("alloc::fmt", &[], &["Vec<u8>"], "String", "String"),
    begins("alloc::string", &[], "String", "String"),
    begins("alloc::str", &["to_owned", "to_lowercase", "to_uppercase", "repeat", "replace", "join_generic_copy"], "String", "String"),
    begins("alloc::fmt", &["format", "format_inner"], "String", "String"),
    // Shared and boxed text is made of bytes by functions without generic arguments. `String::into_boxed_str` and the
    // like allocate only where they shrink; else the memory stays that of the `String`.
    takes_plain("alloc::string", &["Box<[u8]>"], "Box", "Box<str>"),
    takes("alloc::boxed::convert", &["from"], &["Box<[u8]>"], "Box", "Box<[0]>"),
    takes_plain("alloc::boxed", &["Box<[u8]>"], "Box", "Box<str>"),
    takes_plain("alloc::rc", &["Rc<[u8]>"], "Rc", "Rc<str>"),
    takes_plain("alloc::sync", &["Arc<[u8]>"], "Arc", "Arc<str>"),
    takes("std::path", &[], &["Vec<u8>", "OsString"], "PathBuf", "PathBuf"),
    takes("std::ffi::os_str", &[], &["Vec<u8>"], "OsString", "OsString"),
    takes("std::sys::os_str", &[], &["Vec<u8>"], "OsString", "OsString"),
    takes("alloc::ffi::c_str", &[], &["Vec<u8>", "Box<[u8]>"], "CString", "CString"),
    takes_plain("std::sys::os_str", &["Arc<[u8]>"], "Arc", "Arc<OsStr>"),
    takes_plain("std::path", &["Arc<OsStr>"], "Arc", "Arc<Path>"),

    // Boxes and shared values.
    takes("alloc::boxed", &[], &["Vec", "RawVec"], "Box", "Box<[^0]>"),
    // `vec![a, b]` begins as a box without contents that the service's own code fills; a box's own functions ask for
    // such a box too, but stand around it.
    begins_with_array("alloc::boxed", &["new_uninit"], "vec!", "Vec<0.0>"),
    takes("alloc::boxed", &[], &["vec!"], "Box", "Box<0>"),
    begins("alloc::boxed", &["new_uninit_slice", "try_new_uninit_slice"], "Box", "Box<[0]>"),
    begins("alloc::boxed", &[], "Box", "Box<0>"),
    begins("alloc::rc", SLICE_OF, "Rc", "Rc<[0]>"),
    begins("alloc::rc", HOLDS, "Rc", "Rc<0>"),
    begins("alloc::sync", SLICE_OF, "Arc", "Arc<[0]>"),
    begins("alloc::sync", HOLDS, "Arc", "Arc<0>"),
    begins("alloc::rc", &["new", "new_in", "new_cyclic", "pin", "default"], "Rc", "Rc<0>"),
    begins("alloc::sync", &["new", "new_in", "new_cyclic", "pin", "default"], "Arc", "Arc<0>"),

    // Trees and lists; their nodes are boxes of types that `type_name::forms` knows.
    takes("alloc::collections::btree::set", &[], &["BTreeMap", "Box"], "BTreeSet", "BTreeSet<0>"),
    takes("alloc::collections::btree::map", &[], &["Box"], "BTreeMap", "BTreeMap<0, 1>"),
    takes("alloc::collections::linked_list", &[], &["Box"], "LinkedList", "LinkedList<0>"),

    // Hash tables. What was said of `RawVec` holds for `RawTable`.
    takes("hashbrown::raw", &[], &["RawTable"], "RawTable", "HashMap<0.0, 0.1>"),
    takes("hashbrown::raw", &[], &["RawTable"], "RawTable", "HashTable<0>"),
    begins("hashbrown::raw", &[], "RawTable", "HashMap<0.0, 0.1>"),
    begins("hashbrown::raw", &[], "RawTable", "HashTable<0>"),
    takes("hashbrown::set", &[], &["RawTable", "HashMap"], "HashSet", "HashSet<0>"),
    takes("std::collections::hash::set", &[], &["RawTable", "HashMap", "HashSet"], "HashSet", "HashSet<0>"),
    takes("hashbrown::map", &[], &["RawTable"], "HashMap", "HashMap<0, 1>"),
    takes("hashbrown::rustc_entry", &[], &["RawTable"], "HashMap", "HashMap<0, 1>"),
    takes("hashbrown::table", &[], &["RawTable"], "HashTable", "HashTable<0>"),
    takes("std::collections::hash::map", &[], &["RawTable", "HashMap"], "HashMap", "HashMap<0, 1>"),
    takes("indexmap::set", &[], &["Vec", "RawVec", "RawTable", "HashTable", "IndexMap"], "IndexSet", "IndexSet<0>"),
    takes("indexmap", &[], &["Vec", "RawVec", "RawTable", "HashTable"], "IndexMap", "IndexMap<0, 1>"),
    takes("dashmap::set", &[], &["DashMap"], "DashSet", "DashSet<0>"),
    takes("dashmap", &[], &["RawTable", "HashMap", "Vec", "RawVec", "Box"], "DashMap", "DashMap<0, 1>"),
    takes("http::header::map", &[], &["Vec", "RawVec", "Box"], "HeaderMap", "HeaderMap<0>"),
    takes("slab", &[], &["Vec", "RawVec"], "Slab", "Slab<0>"),

    // Buffers.
    takes("bytes::bytes_mut", &[], &["Vec<u8>"], "BytesMut", "BytesMut"),
    takes("bytes::bytes", &[], &["Vec<u8>"], "Bytes", "Bytes"),
    takes("prost::encoding", &["replace_with"], &["Vec<u8>"], "Vec", "Vec<^0>"),
    // Text is the one thing that is merged with a single copy.
    takes("prost::encoding", &["merge_one_copy"], &["Vec<u8>"], "String", "String"),
    begins("smallvec", &[], "SmallVec", "SmallVec<0>"),
    begins("arrow_buffer::buffer", &[], "Buffer", "arrow_buffer::Buffer"),

    // Channels and queues, whose blocks are allocated by hand. Those that allocate types of their own are known by
    // them, in `type_name::forms`. Functions that are not inlined may be those of another channel of equal layout, so
    // each layer further out corrects the one before.
    begins("tokio::sync::mpsc::block", &[], "mpsc::channel", "mpsc::channel<0>"),
    takes("tokio::sync::mpsc", &[], &["mpsc::channel"], "mpsc::channel", "mpsc::channel<0>"),
    takes("tokio::sync::broadcast", &[], &["Vec", "RawVec", "Box"], "broadcast::channel", "broadcast::channel<0>"),
    takes("std::sync::mpmc::list", &[], &["Box", "mpsc::channel"], "mpsc::channel", "mpsc::channel<0>"),
    takes("std::sync::mpmc::array", &[], &["Vec", "RawVec", "Box", "mpsc::channel"], "mpsc::channel", "mpsc::channel<0>"),
    takes("std::sync::mpsc", &[], &["mpsc::channel"], "mpsc::channel", "mpsc::channel<0>"),
    begins("crossbeam_channel::flavors", &[], "crossbeam::channel", "crossbeam::channel<0>"),
    takes("crossbeam_channel::flavors", &[], &["Vec", "RawVec", "Box", "crossbeam::channel"], "crossbeam::channel", "crossbeam::channel<0>"),
    takes("crossbeam_channel::channel", &[], &["crossbeam::channel"], "crossbeam::channel", "crossbeam::channel<0>"),
    begins("crossbeam_queue::seg_queue", &[], "SegQueue", "SegQueue<0>"),
];

/// An owner on its way outwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) family: &'static str,
    /// The type with whole paths: `HashMap<alloc::string::String, app::Session>`.
    pub(crate) full_type: String,
    arguments: Vec<String>,
}

impl Owner {
    /// The owner a frame makes, given the one found further in. `None` if no row fits.
    pub(crate) fn of_frame(frame: &FunctionInfo, inner: Option<&Self>) -> Option<Self> {
        RULES.iter().filter(|rule| rule.fits(frame, inner)).find_map(|rule| {
            let full_type = fill(rule.owner, &frame.arguments, inner)?;
            Some(Self { family: rule.family, full_type, arguments: frame.arguments.clone() })
        })
    }

    /// Whether any row speaks of the frame: it belongs to a container.
    pub(crate) fn knows(frame: &FunctionInfo) -> bool {
        RULES.iter().any(|rule| rule.names(frame))
    }

    /// Whether a frame that does not take over may stand between this owner and one that does: a layer of the same
    /// container, or code that belongs to no container. A different container *holds* the owner: there the chain ends.
    pub(crate) fn may_continue_through(&self, frame: &FunctionInfo) -> bool {
        if frame.arguments.iter().all(|argument| is_allocator_argument(argument)) {
            return true;
        }
        let mut rules = RULES.iter().filter(|rule| rule.names(frame)).peekable();
        let is_container = rules.peek().is_some();
        let is_same =
            |rule: &Rule| fill(rule.owner, &frame.arguments, Some(self)).as_ref() == Some(&self.full_type);
        rules.any(is_same) || !is_container && frame.origin != Origin::Dependency
    }
}

impl Rule {
    fn names(&self, frame: &FunctionInfo) -> bool {
        let below = frame.module.strip_prefix(self.module);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            && (self.functions.is_empty() || self.functions.contains(&frame.name.as_str()))
            && match self.arguments {
                Arguments::None => frame.arguments.is_empty(),
                Arguments::Array => frame.arguments.first().is_some_and(|first| first.starts_with('[')),
                Arguments::Any | Arguments::SameElement => true,
            }
    }

    fn fits(&self, frame: &FunctionInfo, inner: Option<&Owner>) -> bool {
        let stands = match inner {
            None => self.over.is_empty(),
            Some(inner) => {
                self.over.iter().any(|over| *over == inner.family || *over == inner.full_type)
                    || self.family == inner.family && PUSHES.contains(&frame.name.as_str())
            }
        };
        let same = |inner: &Owner| inner.arguments.first() == frame.arguments.first();
        stands && self.names(frame) && (self.arguments != Arguments::SameElement || inner.is_some_and(same))
    }
}

/// Fills the holes of an owner; `None` if an argument is missing or is no element (an allocator).
fn fill(owner: &str, arguments: &[String], inner: Option<&Owner>) -> Option<String> {
    let text = std::cell::RefCell::new(String::new());
    let mut complete = true;
    crate::type_name::walk(
        owner,
        |between| text.borrow_mut().push_str(between),
        |hole| {
            let mut text = text.borrow_mut();
            let arguments = match inner {
                Some(inner) if text.ends_with('^') => {
                    text.pop();
                    &inner.arguments
                }
                _ => arguments,
            };
            match element(arguments, hole) {
                Some(part) => text.push_str(part),
                None => complete = false,
            }
        },
    );
    complete.then(|| text.into_inner())
}

fn element<'a>(arguments: &'a [String], hole: &[usize]) -> Option<&'a str> {
    let (first, inner) = hole.split_first()?;
    let mut part = arguments.get(*first)?.as_str();
    for index in inner {
        part = match part.strip_prefix('[') {
            Some(array) => array.rsplit_once("; ")?.0,
            None => {
                let parts = crate::type_name::split_list(part.strip_prefix('(')?.strip_suffix(')')?);
                *parts.get(*index)?
            }
        };
    }
    (!is_allocator_argument(part)).then_some(part)
}

/// Allocator parameters stand where non-generic inner layers have their element.
pub(crate) fn is_allocator_argument(argument: &str) -> bool {
    let path = argument.trim_start_matches('&');
    // `alloc::alloc::Global`, and the stand-ins for it of hashbrown and allocator-api2.
    path == "std::alloc::System"
        || path.contains("alloc::") && path.ends_with("::Global") && !path.contains('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(module: &str, name: &str, arguments: &[&str]) -> FunctionInfo {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        FunctionInfo { origin: Origin::Std, module: module.to_owned(), name: name.to_owned(), arguments }
    }

    #[test]
    fn a_frame_whose_argument_is_the_allocator_makes_no_owner() {
        let frame = frame("alloc::raw_vec", "finish_grow", &["alloc::alloc::Global"]);
        assert_eq!(Owner::of_frame(&frame, None), None);
    }

    #[test]
    fn a_map_takes_over_its_table_and_a_set_its_map() {
        let table =
            Owner::of_frame(&frame("hashbrown::raw", "reserve_rehash", &["(u8, ())", "G"]), None).unwrap();
        assert_eq!(table.full_type, "HashMap<u8, ()>");
        let map =
            Owner::of_frame(&frame("hashbrown::map", "insert", &["u16", "()", "S"]), Some(&table)).unwrap();
        assert_eq!(map.full_type, "HashMap<u16, ()>");
        let set = Owner::of_frame(&frame("std::collections::hash::set", "insert", &["u16", "S"]), Some(&map))
            .unwrap();
        assert_eq!(set.full_type, "HashSet<u16>");
    }

    #[test]
    fn bytes_become_text_only_as_bytes() {
        let bytes = Owner::of_frame(&frame("alloc::raw_vec", "with_capacity_in", &["u8"]), None).unwrap();
        let string = Owner::of_frame(&frame("alloc::string", "push_str", &[]), Some(&bytes)).unwrap();
        assert_eq!(string.full_type, "String");
        let words = Owner::of_frame(&frame("alloc::raw_vec", "grow_one", &["&str"]), None).unwrap();
        assert_eq!(Owner::of_frame(&frame("alloc::str", "collect", &[]), Some(&words)), None);
    }
}
