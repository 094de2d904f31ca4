//! Which types hold no pointers, from their names.

use super::parse::Type;

/// Numbers and the like. `usize` is not among them: programs keep addresses in it.
const PLAIN: &[&str] = &[
    "bool",
    "char",
    "f16",
    "f32",
    "f64",
    "f128",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "Duration",
    "Instant",
    "Ordering",
    "SystemTime",
];

/// Owners of text, whose own allocation is that text.
const TEXTS: &[&str] = &["CString", "OsString", "PathBuf", "String"];

/// Text that an owner holds: `Box<str>`.
const BARE_TEXTS: &[&str] = &["CStr", "OsStr", "Path", "str"];

/// Containers whose allocations consist of their elements, of counters and of control bytes.
const CONTAINERS: &[&str] = &[
    "Arc",
    "BinaryHeap",
    "Box",
    "HashMap",
    "HashSet",
    "IndexMap",
    "IndexSet",
    "Rc",
    "Slab",
    "Vec",
    "VecDeque",
];

/// Values that are as wide as their arguments and a flag.
const WRAPPERS: &[&str] = &["Cell", "Option", "Reverse", "Saturating", "Wrapping"];

/// Whether an allocation of this readable type name can hold pointers. The name is the owner's: the buffer of a
/// `Vec<String>` holds pointers, and the buffer of a `String` holds none.
///
/// `false` only if it is certain. A type that the name does not describe, such as a struct of the program, can hold
/// pointers.
#[must_use]
pub fn holds_pointers(type_name: &str) -> bool {
    // `Vec<u8> in read_body (src/upload.rs)`: a plain buffer, and the function that allocated it.
    let type_name = type_name.split_once(" in ").map_or(type_name, |(name, _place)| name);
    match Type::parse(type_name) {
        Type::Path { path, arguments } if CONTAINERS.contains(&path) => {
            arguments.is_empty()
                || !arguments.iter().all(|argument| is_plain(argument) || is_bare_text(argument, path))
        }
        Type::Path { path, arguments } => !(arguments.is_empty() && TEXTS.contains(&path)),
        parsed @ (Type::Array { .. } | Type::Tuple(_)) => !is_plain(&parsed),
        _ => true,
    }
}

/// Whether a value holds no pointers in itself.
fn is_plain(parsed: &Type<'_>) -> bool {
    match parsed {
        Type::Path { path, arguments } if arguments.is_empty() => PLAIN.contains(path),
        Type::Path { path, arguments } => WRAPPERS.contains(path) && arguments.iter().all(is_plain),
        Type::Array { element, .. } => is_plain(element),
        Type::Tuple(parts) => parts.iter().all(is_plain),
        _ => false,
    }
}

fn is_bare_text(parsed: &Type<'_>, container: &str) -> bool {
    matches!(container, "Arc" | "Box" | "Rc")
        && matches!(parsed, Type::Path { path, arguments } if arguments.is_empty() && BARE_TEXTS.contains(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_certainly_hold_no_pointers_are_left_out() {
        for (name, expected) in [
            ("String", false),
            ("PathBuf", false),
            ("Vec<u8>", false),
            ("Vec<u8> in read_body (src/upload.rs)", false),
            ("Vec<Session> in read_body (src/upload.rs)", true),
            ("Vec<[f32; 4]>", false),
            ("Vec<(u32, (bool, char))>", false),
            ("VecDeque<u64>", false),
            ("BinaryHeap<Reverse<u64>>", false),
            ("Box<[f64]>", false),
            ("Box<[u64; 128]>", false),
            ("Box<str>", false),
            ("Arc<str>", false),
            ("Arc<[u8]>", false),
            ("Rc<Path>", false),
            ("HashMap<u64, u32>", false),
            ("HashMap<u64, [u64; 8]>", false),
            ("HashSet<u64>", false),
            ("Vec<Option<u64>>", false),
            ("Vec<Duration>", false),
            ("[u64; 30]", false),
            ("[(u8, u16)]", false),
            ("(u64, u64)", false),
            // A struct of the program says nothing about its fields.
            ("Session", true),
            ("Vec<Session>", true),
            ("Box<Session>", true),
            ("[Session; 4]", true),
            // The buffer holds the owners of text, which point to it.
            ("Vec<String>", true),
            ("Vec<Vec<u8>>", true),
            ("HashMap<String, u64>", true),
            ("HashMap<u64, Arc<Session>>", true),
            ("Arc<String>", true),
            ("Box<String>", true),
            ("(u64, String)", true),
            // Nodes and blocks point to each other.
            ("BTreeMap<u64, u64>", true),
            ("LinkedList<u64>", true),
            ("mpsc::channel<u64>", true),
            // Shards are containers of their own.
            ("DashMap<u64, u32>", true),
            // Programs keep addresses in these.
            ("Vec<usize>", true),
            ("Vec<*const u8>", true),
            ("Vec<&u8>", true),
            ("Vec<&'static str>", true),
            ("Vec<AtomicU64>", true),
            ("Box<[AtomicUsize]>", true),
            ("Vec<fn(u8)>", true),
            ("Box<dyn Fn(u8)>", true),
            ("Vec<str>", true),
            ("u8", true),
            ("Bytes", true),
            ("task shop::refresh", true),
            ("Box<closure in app::run>", true),
            ("Vec<>", true),
            ("Vec", true),
            ("Vec<u8", true),
            ("app::Vec<u8>", true),
            ("", true),
        ] {
            assert_eq!(holds_pointers(name), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_judged_without_panic(name in "[A-Za-z0-9:<>(),;&\\[\\] é-]{0,80}") {
            // A pointer anywhere in a name is reason enough to read the memory.
            let reference = holds_pointers(&format!("Vec<({name}, &u8)>"));
            proptest::prop_assert!(reference);
        }
    }
}
