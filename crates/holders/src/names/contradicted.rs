//! Takes back names that what an object holds contradicts.
//!
//! Blocks of two channels, or buffers of two vectors, look alike. `Vec<Weak<Expired>>` holds nothing but `Expired`, so an
//! object that holds a `Box<Item>` is something else. Only names whose argument is a pointer can be checked: a `Vec<Item>`
//! holds what is inside of its items, and the name does not say what that is.

use std::collections::BTreeMap;

use super::Evidence;
use super::votes::mentions;
use crate::objects::{Names, Objects};

/// What pointers begin with. Of the same value there can be an `Arc` and a `Weak`.
const POINTERS: &[&str] = &["Box<", "Arc<", "Rc<", "Weak<"];

/// The value that a pointer points to: `Item` for `Box<Item>`.
fn pointee(pointer: &str) -> Option<&str> {
    let inner = POINTERS.iter().find_map(|begin| pointer.strip_prefix(begin))?.strip_suffix('>')?;
    // Any type can be behind a trait object.
    (!inner.starts_with("dyn ")).then_some(inner)
}

/// What a container of pointers points to: `Item` for `Vec<Box<Item>>`. `None` for all other types.
fn content(name: &str) -> Option<&str> {
    let (_, arguments) = name.split_once('<')?;
    let argument = arguments.strip_suffix('>')?;
    pointee(argument.strip_prefix("Option<").and_then(|some| some.strip_suffix('>')).unwrap_or(argument))
}

/// Whether an object called `name` can hold an object called `held`.
fn can_hold(name: &str, held: &str) -> bool {
    let Some(content) = content(name) else { return true };
    // A node of a list or of a channel also holds the next one.
    held == name || pointee(held) == Some(content) || mentions(name, held)
}

/// Takes inferred names back from objects whose name allows nothing of what they hold.
pub(super) fn take_back_contradicted(evidence: &Evidence<'_>, objects: &mut Objects, names: &Names) {
    let mut allowed: BTreeMap<u32, bool> = BTreeMap::new();
    for link in evidence.links {
        let inferred = objects.get(link.holder).and_then(|holder| holder.name).filter(|name| name.inferred);
        if let (Some(name), Some(held)) = (inferred, evidence.type_of(link.sample)) {
            let can_hold = can_hold(names.get(name.index), names.get(held));
            *allowed.entry(link.holder).or_default() |= can_hold;
        }
    }
    for (holder, _) in allowed.into_iter().filter(|(_, allowed)| !allowed) {
        if let Some(object) = objects.list.get_mut(holder as usize) {
            object.name = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_of_pointers_holds_only_what_they_point_to() {
        for (name, held, expected) in [
            ("Vec<Box<Item>>", "Box<Item>", true),
            ("Vec<Option<Box<Item>>>", "Box<Item>", true),
            ("Vec<Weak<Item>>", "Arc<Item>", true),
            ("Vec<Weak<Expired>>", "Box<Item>", false),
            ("mpsc::channel<Box<Mail>>", "mpsc::channel<Box<Mail>>", true),
            ("mpsc::channel<Box<Mail>>", "Box<Pay>", false),
            ("mpsc::channel<Box<Mail>>", "crossbeam::channel<Box<Pay>>", false),
            // These hold what is inside of their elements, or anything.
            ("Vec<Item>", "String", true),
            ("HashMap<u64, Box<Item>>", "String", true),
            ("VecDeque<Box<dyn Job>>", "Box<Mail>", true),
            ("Vec<Pin<Box<dyn Future<Output=u64>>>>", "Box<async fn shop::wait>", true),
            ("Session", "String", true),
            ("Arc<Mutex<Vec<Box<Item>>>>", "Vec<Box<Item>>", true),
        ] {
            assert_eq!(can_hold(name, held), expected, "{name} {held}");
        }
    }
}
