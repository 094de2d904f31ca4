//! Judges what a container's function does by the words of its name.
//!
//! Containers of the standard library and of crates use the same words: `reserve`, `try_insert`, `with_capacity_in`.

/// Words of functions that make room for elements.
#[rustfmt::skip]
const MAKE_ROOM: &[&str] = &[
    "add", "alloc", "allocate", "append", "arc", "box", "boxed", "bulk", "capacity", "channel", "clone",
    "collect", "concat", "copy", "default", "elem", "entry", "extend", "extension", "format", "from",
    "grow", "insert", "join", "lowercase", "merge", "name", "new", "owned", "pin", "push", "put", "rc",
    "reallocate", "rehash", "repeat", "replace", "replacen", "reserve", "resize", "send", "shrink",
    "splice", "split", "string", "uninit", "unsplit", "uppercase", "vec", "write", "zeroed",
];

/// Words of functions that also run their caller's code: of an element, an iterator or a closure.
const RUN_CODE: &[&str] = &[
    "clone", "collect", "default", "elem", "extend", "format", "from", "iter", "or", "owned", "splice",
    "string", "vec", "write",
];

/// Whether a function makes room, even if it also does other things.
pub(super) fn makes_room(name: &str) -> bool {
    words(name).any(|word| MAKE_ROOM.contains(&word))
}

/// Whether a function makes room and runs no code of its caller. Then the next inner frame is a layer of the same
/// container. The compiler may have merged that layer with a layer for another element of equal layout, so this
/// function knows the element better. A function that also makes elements, like `clone`, can enclose a different
/// container.
pub(super) fn makes_room_only(name: &str) -> bool {
    makes_room(name) && !name.ends_with("_with") && !words(name).any(|word| RUN_CODE.contains(&word))
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split('_').map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_functions_by_their_words() {
        for (name, room, only) in [
            ("push", true, true),
            ("try_reserve_exact", true, true),
            ("with_capacity_in", true, true),
            ("do_reserve_and_handle", true, true),
            ("into_boxed_slice", true, true),
            ("new", true, true),
            ("extend_from_slice", true, false),
            ("from_iter", true, false),
            ("clone", true, false),
            ("to_vec_in", true, false),
            ("to_owned", true, false),
            ("resize", true, true),
            ("resize_with", true, false),
            ("or_insert_with", true, false),
            ("to_string", true, false),
            ("retain", false, false),
            ("dedup_by_key", false, false),
            ("drop", false, false),
            ("drop_slow", false, false),
            ("into_iter", false, false),
            ("fold", false, false),
            ("poll", false, false),
            ("call_once", false, false),
            ("pushes", false, false),
            ("{closure#0}", false, false),
            ("", false, false),
        ] {
            assert_eq!((makes_room(name), makes_room_only(name)), (room, only), "{name}");
        }
    }
}
