//! The table of rules, with one row for each layer of each family of containers. To add a family, add its rows.

use super::rule::{Arguments, Functions, Rule};

type Text = &'static str;

/// A row that makes an owner by itself, and takes over the families in `over`.
const fn begins(module: Text, over: &'static [Text], family: Text, owner: Text) -> Rule {
    Rule { begins: true, ..takes(module, over, family, owner) }
}

/// A row that only takes over.
const fn takes(module: Text, over: &'static [Text], family: Text, owner: Text) -> Rule {
    let (functions, arguments) = (Functions::ThatMakeRoom, Arguments::Any);
    Rule { module, functions, arguments, begins: false, is_container: true, over, family, owner }
}

impl Rule {
    /// Applies the row to every function of the module.
    const fn of_all(self) -> Self {
        Self { functions: Functions::All, ..self }
    }

    /// Applies the row to these functions only.
    const fn of(self, functions: &'static [&'static str]) -> Self {
        Self { functions: Functions::Named(functions), ..self }
    }

    /// Marks the module as code that fills containers, like a decoder, and not as a container.
    const fn of_code(self) -> Self {
        Self { is_container: false, ..self }
    }

    /// Requires these arguments.
    const fn with(self, arguments: Arguments) -> Self {
        Self { arguments, ..self }
    }
}

/// Functions of `Rc` and `Arc` whose first argument is the element of a slice.
const SLICE_OF: &[&str] = &["allocate_for_slice", "copy_from_slice", "from_iter_exact"];
/// Functions of `Rc` and `Arc` whose first argument is their content.
const HOLDS: &[&str] =
    &["allocate_for_layout", "try_allocate_for_layout", "allocate_for_ptr", "new_uninit", "new_uninit_in"];

/// Conversions that allocate what they return.
const CONVERTS: &[&str] =
    &["clone", "default", "from", "from_iter", "from_os_str_bytes", "into_arc", "into_rc", "make_mut"];

/// Rows are tried in order. The first match counts.
#[rustfmt::skip]
pub(super) static RULES: &[Rule] = &[
    // Growable arrays. `RawVec` is shared and never inlined. If instances have the same machine code, the linker
    // keeps one of them. So its own argument is only a guess, which any outer frame corrects.
    begins("alloc::raw_vec", &["RawVec"], "RawVec", "Vec<0>").of_all(),
    // The iterator comes before the element. It allocates only if it shrinks the old allocation. Otherwise the memory
    // stays in the row of the old vector, because no stack shows that it changed hands.
    begins("alloc::vec::in_place_collect", &["RawVec"], "Vec", "Vec<1>").of(&["from_iter_in_place"]),
    takes("alloc::vec", &["Vec", "RawVec"], "Box", "Box<[0]>").of(&["into_boxed_slice"]),
    begins("alloc::vec", &["RawVec"], "Vec", "Vec<0>"),
    begins("alloc::slice", &["RawVec"], "Vec", "Vec<0>").of(&["to_vec", "to_vec_in", "into_vec", "repeat"]),
    begins("alloc::collections::vec_deque", &["RawVec"], "VecDeque", "VecDeque<0>"),
    takes("alloc::collections::vec_deque", &["Vec"], "VecDeque", "VecDeque<0>").with(Arguments::SameElement),
    takes("alloc::collections::binary_heap", &["Vec", "RawVec"], "BinaryHeap", "BinaryHeap<0>").with(Arguments::SameElement),

    // Text.
    begins("alloc::string", &["Vec<u8>"], "String", "String").of_all(),
    begins("alloc::str", &["Vec<u8>"], "String", "String").of_all(),
    takes("alloc::fmt", &["Vec<u8>"], "String", "String").of_all(),
    // If the optimizer merged the ends of a deserializer's branches, the stack ends in the deserializer. The visitor
    // says what it made.
    begins("serde_json", &[], "String", "String").of(&["deserialize_str", "deserialize_string"]).with(Arguments::Mentioning("::de::impls::StringVisitor")).of_code(),
    // Functions without generic arguments make shared and boxed text from bytes. `String::into_boxed_str` and similar
    // functions allocate only to shrink; otherwise the memory stays in the row of the `String`.
    takes("alloc::string", &["Box<[u8]>"], "Box", "Box<str>").with(Arguments::None),
    takes("alloc::boxed::convert", &["Box<[u8]>"], "Box", "Box<[0]>").of(&["from"]),
    takes("alloc::boxed", &["Box<[u8]>"], "Box", "Box<str>").of(CONVERTS).with(Arguments::None),
    takes("alloc::rc", &["Rc<[u8]>"], "Rc", "Rc<str>").of(CONVERTS).with(Arguments::None),
    takes("alloc::sync", &["Arc<[u8]>"], "Arc", "Arc<str>").of(CONVERTS).with(Arguments::None),
    takes("std::path", &["Vec<u8>", "OsString"], "PathBuf", "PathBuf").of_all(),
    takes("std::ffi::os_str", &["Vec<u8>"], "OsString", "OsString").of_all(),
    takes("std::sys::os_str", &["Vec<u8>"], "OsString", "OsString").of_all(),
    takes("alloc::ffi::c_str", &["Vec<u8>", "Box<[u8]>"], "CString", "CString").of_all(),
    takes("std::sys::os_str", &["Arc<[u8]>"], "Arc", "Arc<OsStr>").of_all().with(Arguments::None),
    takes("std::path", &["Arc<OsStr>"], "Arc", "Arc<Path>").of_all().with(Arguments::None),

    // Boxes and shared pointers.
    takes("alloc::boxed", &["Vec", "RawVec"], "Box", "Box<[^0]>"),
    // `vec![a, b]` begins as a box without contents, which the service's own code fills. A box's own functions also
    // ask for such a box, but enclose it.
    begins("alloc::boxed", &["Box"], "vec!", "Vec<0.0>").of(&["new_uninit"]).with(Arguments::Array),
    takes("alloc::boxed", &["vec!"], "Box", "Box<0>"),
    begins("alloc::boxed", &[], "Box", "Box<[0]>").of(&["new_uninit_slice", "try_new_uninit_slice"]),
    begins("alloc::boxed", &[], "Box", "Box<0>").of(&["clone_from_ref", "clone_from_ref_in", "try_clone_from_ref_in"]),
    begins("alloc::boxed", &[], "Box", "Box<0>"),
    begins("alloc::rc", &[], "Rc", "Rc<[0]>").of(SLICE_OF),
    begins("alloc::rc", &[], "Rc", "Rc<0>").of(HOLDS),
    begins("alloc::sync", &[], "Arc", "Arc<[0]>").of(SLICE_OF),
    begins("alloc::sync", &[], "Arc", "Arc<0>").of(HOLDS),
    begins("alloc::rc", &[], "Rc", "Rc<0>").of(&["new", "new_in", "pin"]),
    begins("alloc::sync", &[], "Arc", "Arc<0>").of(&["new", "new_in", "pin"]),

    // Trees and lists. Their nodes are boxes of types that `type_name::forms` knows.
    takes("alloc::collections::btree::set", &["BTreeMap", "Box"], "BTreeSet", "BTreeSet<0>"),
    takes("alloc::collections::btree::map", &["Box"], "BTreeMap", "BTreeMap<0, 1>"),
    takes("alloc::collections::linked_list", &["Box"], "LinkedList", "LinkedList<0>"),

    // Hash tables. `RawTable` is shared like `RawVec`.
    begins("hashbrown::raw", &["RawTable"], "RawTable", "HashMap<0.0, 0.1>"),
    begins("hashbrown::raw", &["RawTable"], "RawTable", "HashTable<0>"),
    takes("hashbrown::set", &["RawTable", "HashMap"], "HashSet", "HashSet<0>"),
    takes("std::collections::hash::set", &["RawTable", "HashMap", "HashSet"], "HashSet", "HashSet<0>"),
    takes("hashbrown::map", &["RawTable"], "HashMap", "HashMap<0, 1>"),
    takes("hashbrown::rustc_entry", &["RawTable"], "HashMap", "HashMap<0, 1>"),
    takes("hashbrown::table", &["RawTable"], "HashTable", "HashTable<0>"),
    takes("std::collections::hash::map", &["RawTable", "HashMap"], "HashMap", "HashMap<0, 1>"),
    takes("indexmap::set", &["Vec", "RawVec", "RawTable", "HashTable", "IndexMap"], "IndexSet", "IndexSet<0>"),
    takes("indexmap", &["Vec", "RawVec", "RawTable", "HashTable"], "IndexMap", "IndexMap<0, 1>"),
    takes("dashmap::set", &["DashMap"], "DashSet", "DashSet<0>"),
    takes("dashmap", &["RawTable", "HashMap", "Vec", "RawVec", "Box"], "DashMap", "DashMap<0, 1>"),
    takes("http::header::map", &["Vec", "RawVec", "Box"], "HeaderMap", "HeaderMap<0>"),
    takes("slab", &["Vec", "RawVec"], "Slab", "Slab<0>"),
    takes("slotmap::basic", &["Vec", "RawVec"], "SlotMap", "SlotMap<0, 1>"),
    takes("slotmap::hop", &["Vec", "RawVec"], "HopSlotMap", "HopSlotMap<0, 1>"),
    takes("slotmap::dense", &["Vec", "RawVec"], "DenseSlotMap", "DenseSlotMap<0, 1>"),
    takes("slotmap::secondary", &["Vec", "RawVec"], "SecondaryMap", "SecondaryMap<0, 1>"),
    takes("slotmap::sparse_secondary", &["RawTable", "HashMap"], "SparseSecondaryMap", "SparseSecondaryMap<0, 1>"),

    // Buffers.
    begins("bytes::bytes_mut", &["Vec<u8>"], "BytesMut", "BytesMut"),
    begins("bytes::bytes", &["Vec<u8>"], "Bytes", "Bytes"),
    takes("prost::encoding", &["Vec<u8>"], "Vec", "Vec<^0>").of(&["replace_with"]).of_code(),
    takes("prost::encoding", &["Vec<u8>"], "Vec", "0").of(&["merge"]).with(Arguments::Mentioning("alloc::vec::Vec<u8")).of_code(),
    // Only text is merged with a single copy.
    takes("prost::encoding", &["Vec<u8>"], "String", "String").of(&["merge_one_copy"]).of_code(),
    begins("smallvec", &[], "SmallVec", "SmallVec<0>"),
    begins("arrow_buffer::buffer", &[], "Buffer", "arrow_buffer::Buffer"),

    // Channels and queues whose blocks are allocated by hand. Channels with their own node types are in
    // `type_name::forms`. A function that is not inlined may belong to another channel with equal layout, so each
    // outer layer corrects the inner layer.
    begins("tokio::sync::mpsc::block", &[], "mpsc::channel", "mpsc::channel<0>"),
    takes("tokio::sync::mpsc", &["mpsc::channel"], "mpsc::channel", "mpsc::channel<0>").of_all(),
    takes("tokio::sync::broadcast", &["Vec", "RawVec", "Box"], "broadcast::channel", "broadcast::channel<0>"),
    takes("std::sync::mpmc::list", &["Box", "mpsc::channel"], "mpsc::channel", "mpsc::channel<0>"),
    takes("std::sync::mpmc::array", &["Vec", "RawVec", "Box", "mpsc::channel"], "mpsc::channel", "mpsc::channel<0>"),
    takes("std::sync::mpsc", &["mpsc::channel"], "mpsc::channel", "mpsc::channel<0>").of_all(),
    takes("futures_channel::mpsc", &["Box", "mpsc::channel"], "mpsc::channel", "mpsc::channel<0>"),
    begins("crossbeam_channel::flavors", &["Vec", "RawVec", "Box", "crossbeam::channel"], "crossbeam::channel", "crossbeam::channel<0>"),
    takes("crossbeam_channel::channel", &["crossbeam::channel"], "crossbeam::channel", "crossbeam::channel<0>").of_all(),
    begins("crossbeam_queue::seg_queue", &[], "SegQueue", "SegQueue<0>"),
];
