//! Rules: which frame names the owner of an allocation.
//!
//! A container allocates through layers: `Vec::push` calls `RawVec::grow_one`, `HashSet::insert` calls
//! `RawTable::reserve_rehash`. The table has a row for each layer. Frames are read from the allocator outwards, and
//! the first matching row makes the owner. A later row takes over if it lists the current family in `over`. It also
//! takes over within its own family if its function only makes room, because the inner layer is then its own.
//!
//! A row applies only to functions that make room. `Vec::retain` and `Box::call_once` can be on a stack too, but only
//! because they run their caller's code. What that code allocates says nothing about them.

mod function_words;
mod rule;
mod table;

use super::function::{FunctionInfo, Origin};
use function_words::makes_room;
use rule::Owner;
pub(crate) use rule::{Inner, is_allocator_argument};
use table::RULES;

impl Inner {
    /// Returns what is known after another frame. `None` if the frame adds nothing.
    pub(crate) fn after(&self, frame: &FunctionInfo) -> Option<Self> {
        let mut lost = None;
        for rule in RULES.iter().filter(|rule| rule.fits(frame, self)) {
            if let Some(full_type) = rule.fill(frame, self) {
                let arguments = frame.arguments.clone();
                return Some(Self::Found(Owner { family: rule.family, full_type, arguments }));
            }
            lost.get_or_insert(rule.family);
        }
        if *self == Self::Nothing { lost.map(Self::Lost) } else { None }
    }

    /// Whether the search continues through a frame that adds nothing.
    pub(crate) fn continues_through(&self, frame: &FunctionInfo) -> bool {
        if runs_code_of_callers(frame) {
            return false;
        }
        if !is_in_table(frame) {
            // Beyond an iterator, a layer can still correct a merged layer, but no owner begins.
            let is_iterator = frame.module.starts_with("core::iter");
            return frame.origin == Origin::Std && !(is_iterator && *self == Self::Nothing);
        }
        // A container's own closure is called by the container's functions, which are further out.
        if frame.name.starts_with('{') {
            return true;
        }
        if frame.arguments.iter().all(|argument| is_allocator_argument(argument)) {
            return makes_room(&frame.name);
        }
        // A different container *holds* the owner, so the chain ends there.
        let Self::Found(owner) = self else {
            return RULES.iter().any(|rule| rule.fits(frame, self));
        };
        let mut rows = RULES.iter().filter(|rule| rule.names(frame)).peekable();
        match rows.peek() {
            Some(_) => rows.any(|rule| rule.fill(frame, self).as_ref() == Some(&owner.full_type)),
            None => frame.origin == Origin::Std && makes_room(&frame.name),
        }
    }
}

/// Whether the frame belongs to a container of the table.
pub(crate) fn is_of_container(frame: &FunctionInfo) -> bool {
    RULES.iter().any(|rule| rule.is_container && rule.is_in_module(frame))
}

/// Whether the table has a row for the frame's module.
pub(crate) fn is_in_table(frame: &FunctionInfo) -> bool {
    RULES.iter().any(|rule| rule.is_in_module(frame))
}

/// Whether a function of the standard library calls code of its caller: a closure, a future, or an element's
/// destructor. Memory on one side of such a call never belongs to a container on the other side.
fn runs_code_of_callers(frame: &FunctionInfo) -> bool {
    let is_dispatch = |prefix: &str| frame.origin == Origin::Std && frame.module.starts_with(prefix);
    is_dispatch("core::ops::function")
        || is_dispatch("core::future")
        || is_dispatch("std::thread")
        || is_dispatch("core::ptr") && frame.name.starts_with("drop_in_place")
        || is_dispatch("alloc::boxed")
            && matches!(frame.name.as_str(), "call" | "call_mut" | "call_once" | "poll")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(module: &str, name: &str, arguments: &[&str]) -> FunctionInfo {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        FunctionInfo {
            origin: Origin::Std,
            module: module.to_owned(),
            name: name.to_owned(),
            arguments,
            first_line: 0,
        }
    }

    fn full_type(inner: &Inner) -> &str {
        match inner {
            Inner::Found(owner) => &owner.full_type,
            Inner::Nothing | Inner::Lost(_) => panic!("no owner: {inner:?}"),
        }
    }

    #[test]
    fn allocator_argument_loses_the_element() {
        let frame = frame("alloc::raw_vec", "finish_grow", &["alloc::alloc::Global"]);
        assert_eq!(Inner::Nothing.after(&frame), Some(Inner::Lost("RawVec")));
    }

    #[test]
    fn layer_of_the_same_container_restores_the_element() {
        let lost = Inner::Lost("RawVec");
        let push = frame("alloc::vec", "push", &["app::Session"]);
        assert_eq!(full_type(&lost.after(&push).unwrap()), "Vec<app::Session>");
        let text = frame("alloc::string", "push_str", &[]);
        assert_eq!(full_type(&lost.after(&text).unwrap()), "String");
        let boxed = frame("alloc::boxed", "new", &["app::Session"]);
        assert_eq!(lost.after(&boxed), None);
    }

    #[test]
    fn functions_that_make_no_room_end_the_search() {
        for (module, name) in [
            ("alloc::boxed", "call_once"),
            ("alloc::boxed", "poll"),
            ("alloc::boxed", "drop"),
            ("alloc::vec", "retain"),
            ("alloc::vec::into_iter", "fold"),
            ("alloc::vec::into_iter", "next"),
            ("alloc::collections::vec_deque", "retain_mut"),
            ("hashbrown::map", "retain"),
            ("alloc::rc", "drop_slow"),
        ] {
            let frame = frame(module, name, &["app::Session", "alloc::alloc::Global"]);
            assert_eq!(Inner::Nothing.after(&frame), None, "{module}::{name}");
            assert!(!Inner::Nothing.continues_through(&frame), "{module}::{name}");
            assert!(!Inner::Lost("RawVec").continues_through(&frame), "{module}::{name}");
        }
    }

    #[test]
    fn functions_that_run_their_callers_code_need_an_inner_layer() {
        for name in ["clone", "from_iter", "extend_desugared", "resize_with", "from_elem"] {
            let frame = frame("alloc::vec", name, &["app::Session"]);
            assert_eq!(Inner::Nothing.after(&frame), None, "{name}");
            assert_eq!(
                full_type(&Inner::Lost("RawVec").after(&frame).unwrap()),
                "Vec<app::Session>",
                "{name}"
            );
        }
    }

    #[test]
    fn map_takes_over_its_table_and_set_its_map() {
        let table =
            Inner::Nothing.after(&frame("hashbrown::raw", "reserve_rehash", &["(u8, ())", "G"])).unwrap();
        assert_eq!(full_type(&table), "HashMap<u8, ()>");
        let map = table.after(&frame("hashbrown::map", "insert", &["u16", "()", "S"])).unwrap();
        assert_eq!(full_type(&map), "HashMap<u16, ()>");
        let set = map.after(&frame("std::collections::hash::set", "insert", &["u16", "S"])).unwrap();
        assert_eq!(full_type(&set), "HashSet<u16>");
    }

    #[test]
    fn only_bytes_become_text() {
        let bytes = Inner::Nothing.after(&frame("alloc::raw_vec", "with_capacity_in", &["u8"])).unwrap();
        let string = bytes.after(&frame("alloc::string", "push_str", &[])).unwrap();
        assert_eq!(full_type(&string), "String");
        let words = Inner::Nothing.after(&frame("alloc::raw_vec", "grow_one", &["&str"])).unwrap();
        assert_eq!(words.after(&frame("alloc::str", "collect", &[])), None);
    }
}
