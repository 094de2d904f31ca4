//! Pointers that the type of their holder excludes: a map of texts to vectors holds no task. Such a word is dead, as in an
//! unused slot of a node, so a chain over it is doubtful.

use crate::chain::Chain;
use crate::input::ScanInput;
use crate::names::mentions;
use crate::objects::{Names, Objects};

/// Containers that hold nothing but their arguments and their own nodes.
const CONTAINERS: &[&str] =
    &["BTreeMap<", "BTreeSet<", "BinaryHeap<", "HashMap<", "HashSet<", "LinkedList<", "Vec<", "VecDeque<"];

/// Beginnings of the names of plain buffers. A buffer can become another kind without a copy.
const BUFFERS: &[&str] = &["Box<[", "Box<str", "Bytes", "PathBuf", "OsString", "String", "Vec<", "VecDeque<"];

/// Pointers to one object.
const POINTERS: &[&str] = &["Arc<", "Box<", "Rc<", "Weak<"];

const NUMBERS: &[&str] = &[
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16", "u32", "u64",
    "u8", "usize",
];

fn begins(name: &str, with: &[&str]) -> bool {
    with.iter().any(|begin| name.starts_with(begin))
}

/// The value behind a pointer. `None` for anything that can be behind `dyn`, and for slices.
fn pointee(name: &str) -> Option<&str> {
    let inner = POINTERS.iter().find_map(|begin| name.strip_prefix(begin))?.strip_suffix('>')?;
    (!inner.starts_with("dyn ") && !inner.starts_with('[') && inner != "str").then_some(inner)
}

/// The arguments of a type.
fn arguments(name: &str) -> Vec<&str> {
    let Some(list) = name.split_once('<').and_then(|(_, list)| list.strip_suffix('>')) else {
        return Vec::new();
    };
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(list[start..].trim());
    found
}

/// Whether an object called `name` cannot hold an object called `held` directly. Only containers whose arguments say all
/// that they hold can be told: a struct holds anything.
fn excludes(name: &str, held: &str) -> bool {
    let arguments = arguments(name);
    if !begins(name, CONTAINERS) || arguments.is_empty() || held == name || mentions(name, held) {
        return false;
    }
    arguments.into_iter().all(|argument| {
        if NUMBERS.contains(&argument) {
            return true;
        }
        if begins(argument, BUFFERS) {
            return !begins(held, BUFFERS);
        }
        match (pointee(argument), pointee(held)) {
            // A value of an `Arc<Mutex<T>>` can have the name of what it protects.
            (Some(one), Some(other)) => !one.contains(other) && !other.contains(one),
            (Some(_), None) => !begins(held, POINTERS) && !begins(held, BUFFERS),
            (None, _) => false,
        }
    })
}

/// Marks chains as doubtful that lead over a pointer which the type of its holder excludes.
pub(crate) fn doubt_excluded(
    input: &ScanInput,
    chains: &mut [Vec<Chain>],
    (objects, names): (&Objects, &Names),
) {
    for (object, chains) in input.samples.iter().zip(chains) {
        for chain in chains {
            let mut held = Some(object.type_index);
            for holder in chain.objects.iter().filter_map(|index| objects.get(*index)) {
                let name = holder.name.map(|name| name.index);
                if let (Some(name), Some(held)) = (name, held) {
                    chain.doubtful |= excludes(names.get(name), names.get(held));
                }
                held = name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_excludes_what_none_of_its_arguments_is() {
        for (name, held, expected) in [
            ("BTreeMap<String, Vec<Page>>", "task shop::run", true),
            ("BTreeMap<String, Vec<Page>>", "mpsc::channel<Box<Mail>>", true),
            ("BTreeMap<String, Vec<Page>>", "Rc<RefCell<Node>>", true),
            ("BTreeMap<String, Vec<Page>>", "BTreeMap<String, Vec<Page>>", false),
            ("BTreeMap<String, Vec<Page>>", "Vec<Page>", false),
            ("BTreeMap<String, Vec<Page>>", "Bytes", false),
            ("HashMap<u64, Arc<Session>>", "Arc<Session>", false),
            ("HashMap<u64, Arc<Mutex<Session>>>", "Arc<Session>", false),
            ("HashMap<u64, Arc<Session>>", "Arc<Other>", true),
            ("HashMap<u64, Arc<Session>>", "task shop::run", true),
            ("HashMap<u64, Session>", "task shop::run", false),
            ("HashMap<_, Arc<Session>>", "task shop::run", false),
            ("Vec<Box<dyn Job>>", "Box<Mail>", false),
            ("Vec<Option<Box<Mail>>>", "task shop::run", false),
            ("HashSet<u64>", "Arc<Session>", true),
            ("HashMap<u64, Arc<Session>>", "Session", false),
            ("Session", "task shop::run", false),
            ("Vec<", "task", false),
            ("", "task", false),
        ] {
            assert_eq!(excludes(name, held), expected, "{name} {held}");
        }
        assert_eq!(arguments("HashMap<(u8, A<B>), Vec<C>>"), ["(u8, A<B>)", "Vec<C>"]);
    }
}
