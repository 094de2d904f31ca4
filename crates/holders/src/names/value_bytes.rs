//! The sizes of the values whose memory a type name stands for.

/// Values by the beginning of their names, with their sizes on a machine of 64 bits. A hash table is smaller if its hasher
/// has no state.
const SIZES: &[(&str, &[u64])] = &[
    ("BTreeMap<", &[24]),
    ("BTreeSet<", &[24]),
    ("BinaryHeap<", &[24]),
    ("Bytes", &[32]),
    ("BytesMut", &[32]),
    ("HashMap<", &[48, 32]),
    ("HashSet<", &[48, 32]),
    ("OsString", &[24]),
    ("PathBuf", &[24]),
    ("String", &[24]),
    ("Vec<", &[24]),
    ("VecDeque<", &[32]),
];

/// Pointers that own or share an object. Their names are the names of the objects.
const OWNERS: &[&str] = &["Arc<", "Box<", "Rc<"];

/// Whether a value is nothing but a pointer to an object.
pub(super) fn is_owner(name: &str) -> bool {
    OWNERS.iter().any(|owner| name.starts_with(owner))
}

/// Whether a value is text, which can be the key of a map as well as its value.
pub(super) fn is_text(name: &str) -> bool {
    matches!(name, "String" | "Arc<str>" | "Box<str>" | "Rc<str>" | "PathBuf" | "OsString")
}

/// The bytes that a value can have whose memory has this name: a vector has 24, whatever its buffer has. Empty if that is
/// not known.
pub(super) fn value_bytes(name: &str) -> &'static [u64] {
    match owned(name) {
        // An array can become a slice, whose owner has its length, too.
        Some((_, owned)) if array(owned).is_some() => &[8, 16],
        Some((_, owned)) if is_unsized(owned) => &[16],
        Some(_) => &[8],
        None => {
            let fits = |(begin, _): &&(&str, &[u64])| {
                if begin.ends_with('<') { name.starts_with(begin) } else { name == *begin }
            };
            SIZES.iter().find(fits).map_or(&[], |(_, sizes)| sizes)
        }
    }
}

/// The owner and what it owns: `Arc<` and `[u8]` for `Arc<[u8]>`.
fn owned(name: &str) -> Option<(&'static str, &str)> {
    let owner = OWNERS.iter().find(|owner| name.starts_with(**owner))?;
    Some((owner, name.strip_prefix(owner)?.strip_suffix('>')?))
}

/// The element and the length of an array: `u8` and `6` for `[u8; 6]`.
fn array(name: &str) -> Option<(&str, u64)> {
    let (element, length) = name.strip_prefix('[')?.strip_suffix(']')?.rsplit_once("; ")?;
    Some((element, length.parse().ok()?))
}

/// The owner of a slice that the owner of an array can be, and the length of the array: `Arc<[u8]>` and `6` for
/// `Arc<[u8; 6]>`.
pub(super) fn slice_of(name: &str) -> Option<(String, u64)> {
    let (owner, owned) = owned(name)?;
    let (element, length) = array(owned)?;
    Some((format!("{owner}[{element}]>"), length))
}

/// Whether a pointer to a type has a second word: a length or a vtable.
fn is_unsized(name: &str) -> bool {
    name == "str" || name.starts_with("dyn ") || (name.starts_with('[') && array(name).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_size_of_its_pointers_and_lengths() {
        for (name, expected) in [
            ("String", &[24][..]),
            ("Vec<shop::Mail>", &[24]),
            ("VecDeque<u8>", &[32]),
            ("HashMap<u64, Arc<Session>>", &[48, 32]),
            ("Bytes", &[32]),
            ("Box<Mail>", &[8]),
            ("Arc<[Tick]>", &[16]),
            ("Arc<[[u8; 6]]>", &[16]),
            ("Arc<[Tick; 6]>", &[8, 16]),
            ("Box<dyn Fn() -> u8>", &[16]),
            ("Rc<str>", &[16]),
            ("Rc<", &[]),
            ("StringPool", &[]),
            ("BytesPool", &[]),
            ("Mail", &[]),
            ("", &[]),
        ] {
            assert_eq!(value_bytes(name), expected, "{name}");
        }
        assert!(
            is_owner("Rc<Node>") && !is_owner("Vec<Node>") && is_text("Arc<str>") && !is_text("Arc<Text>")
        );
    }
}
