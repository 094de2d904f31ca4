//! Names objects behind `dyn` by the vtable beside the pointer to them: it has their size, and functions of their type.

use std::collections::BTreeMap;

use memory_debug_profile::readable_type_name;

use super::task::closures_without_numbers;
use super::{Evidence, Vtable};
use crate::input::Symbols;
use crate::mark::Source;
use crate::memory::{Hidden, Memory, Span};
use crate::objects::{Name, Names, Objects};
use crate::page_map::PageMap;
use crate::peek::{head, peek, words};

/// Drop function, size, alignment, and the first methods.
const VTABLE_WORDS: u64 = 8;

/// The type to which a function in a vtable belongs: `drop_in_place::<T>`, or a method `<T as Trait>::name`.
fn type_of(function: &str) -> Option<&str> {
    if let Some(rest) = function.strip_prefix("core::ptr::drop_in_place") {
        return rest
            .trim_start_matches("::")
            .strip_prefix('<')?
            .strip_suffix('>')
            .filter(|name| !name.is_empty());
    }
    let rest = function.strip_prefix('<')?;
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '>' if rest[..at].ends_with('-') => {}
            '<' | '(' | '[' | '{' => depth += 1,
            '>' | ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            ' ' if depth == 0 => return rest[at..].starts_with(" as ").then(|| &rest[..at]),
            _ => {}
        }
    }
    None
}

/// The name of an object of some bytes whose vtable has these words. `None` if the size tells neither a box nor a shared
/// pointer.
fn name_of(vtable: &[u64], bytes: u64, evidence: &Evidence<'_>, symbols: &dyn Symbols) -> Option<String> {
    let [drop, size, align, methods @ ..] = vtable else { return None };
    if !align.is_power_of_two() || *align > 4096 || *size == 0 || *size > bytes {
        return None;
    }
    // A shared pointer has two counters before its value.
    let shared = 16_u64.next_multiple_of(*align).checked_add(*size)?;
    let container = match (evidence.class_of(*size) == bytes, evidence.class_of(shared) == bytes) {
        (true, false) => "Box",
        (false, true) => "Arc",
        _ => return None,
    };
    let functions =
        std::iter::once(drop).chain(methods).filter(|word| **word >> 12 != 0 && **word >> 48 == 0);
    let function = functions
        .filter_map(|word| symbols.function_at(Hidden::new(*word)))
        .find(|name| type_of(name).is_some())?;
    let value = type_of(&function)?;
    let value = if value.contains("{closure") || value.contains("{{") {
        closures_without_numbers(value)
    } else {
        readable_type_name(value)
    };
    Some(format!("{container}<{value}>"))
}

/// Names objects behind `dyn`.
pub(super) fn name_dynamic<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    symbols: &dyn Symbols,
    objects: &mut Objects,
    names: &mut Names,
) {
    // The places where a pointer to an unnamed object lies.
    let mut parents: BTreeMap<Source, Span> = BTreeMap::new();
    for object in objects.list.iter().filter(|object| object.name.is_none()) {
        if let Some(parent) = object.parent
            && !parents.contains_key(&parent)
            && let Some(span) = evidence.parent_span(parent, objects)
        {
            parents.insert(parent, span);
        }
    }
    let spans: Vec<Span> = parents.into_values().collect();
    let mut found: Vec<(Vtable, u32)> = Vec::new();
    peek(memory, &spans, |_, bytes| {
        let words: Vec<u64> = words(bytes).collect();
        for pair in words.windows(2) {
            if let [pointer, vtable] = pair
                && vtable >> 12 != 0
                && vtable >> 48 == 0
                && vtable % 8 == 0
                && let Some(object) = object_at(*pointer, evidence.map, objects)
                && symbols.is_constant(Hidden::new(*vtable))
            {
                found.push((Vtable::new(*vtable), object));
            }
        }
    });
    found.sort_unstable();
    found.dedup();
    let spans: Vec<Span> =
        found.iter().map(|(vtable, _)| head(vtable.address(), VTABLE_WORDS * 8, VTABLE_WORDS)).collect();
    let mut named: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    peek(memory, &spans, |at, bytes| {
        let words: Vec<u64> = words(bytes).collect();
        let Some((_, index)) = found.get(at) else { return };
        let Some(object) = objects.get(*index) else { return };
        named.entry(*index).or_default().extend(name_of(&words, object.bytes, evidence, symbols));
    });
    for (index, mut list) in named {
        list.dedup();
        // Two vtables of different types are no evidence.
        if let ([name], Some(object)) = (&list[..], objects.list.get_mut(index as usize)) {
            object.name = Some(Name { index: names.intern(name.clone()), inferred: false });
        }
    }
}

/// The unnamed object that begins at an address.
fn object_at(address: u64, map: &PageMap, objects: &Objects) -> Option<u32> {
    let (extent, region) = map.located(address)?;
    let index = objects.find(region)?;
    let is_start = map.place(&extent, region).address == address;
    (is_start && objects.get(index)?.name.is_none()).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_a_vtable_name_their_type() {
        for (function, expected) in [
            ("core::ptr::drop_in_place::<shop::Mail>", Some("shop::Mail")),
            ("core::ptr::drop_in_place<shop::Mail>", Some("shop::Mail")),
            ("core::ptr::drop_in_place::<shop::run::{closure#0}>", Some("shop::run::{closure#0}")),
            ("<shop::Mail<u8> as shop::Job>::run", Some("shop::Mail<u8>")),
            (
                "<alloc::boxed::Box<dyn Fn() -> u8> as shop::Job>::run",
                Some("alloc::boxed::Box<dyn Fn() -> u8>"),
            ),
            ("<shop::Mail>::run", None),
            ("shop::run", None),
            ("core::ptr::drop_in_place::<>", None),
            ("<", None),
            ("", None),
        ] {
            assert_eq!(type_of(function), expected, "{function}");
        }
    }
}
