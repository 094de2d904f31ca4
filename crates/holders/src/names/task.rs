//! Names the tasks of executors by their vtable. The functions in it name the future that the task runs.

use std::collections::BTreeMap;

use memory_debug_profile::readable_type_name;

use super::{Evidence, Vtable};
use crate::input::Symbols;
use crate::memory::{Hidden, Memory};
use crate::objects::{Name, Names, Objects};
use crate::peek::{head, peek, words};

/// A vtable is among the first words of a task, and a function of the task among the first of its vtable.
const TASK_WORDS: u64 = 6;
const VTABLE_WORDS: u64 = 8;

/// Larger objects are no tasks.
const MAX_BYTES: u64 = 1 << 20;

/// The functions that name a future as their first argument.
const FUNCTIONS: &[&str] =
    &["tokio::runtime::task::raw::poll", "tokio::runtime::task::raw::dealloc", "async_task::raw::RawTask"];

/// The readable name of the task to which a function of its vtable belongs.
fn task_of(function: &str) -> Option<String> {
    let function = function.strip_prefix('<').unwrap_or(function);
    let arguments = FUNCTIONS.iter().find_map(|name| function.strip_prefix(name))?;
    let inner = arguments.trim_start_matches("::").strip_prefix('<')?;
    let mut depth = 0_usize;
    let end = inner.char_indices().find(|(at, c)| {
        match c {
            '>' if inner[..*at].ends_with('-') => {}
            '<' | '(' | '[' | '{' => depth += 1,
            ',' | '>' if depth == 0 => return true,
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        false
    })?;
    let future = inner.get(..end.0).filter(|future| !future.is_empty())?;
    let readable = if future.contains('{') { readable_future(future) } else { readable_type_name(future) };
    Some(format!("task {readable}"))
}

/// A future with the bodies of async functions in it: `trace::Traced<shop::refresh::{async_fn_env#0}>` →
/// `Traced<shop::refresh::{async_fn}>`. A body keeps its path, because its last segment does not say where it is.
fn readable_future(future: &str) -> String {
    let is_path = |c: char| c.is_alphanumeric() || "_:{}#".contains(c);
    let mut text = String::with_capacity(future.len());
    let mut rest = future;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_path(c)).unwrap_or(rest.len());
        let (path, beyond) = rest.split_at(end);
        let shown = if path.contains('{') { path } else { path.rsplit("::").next().unwrap_or(path) };
        text.push_str(shown);
        let next = beyond.find(is_path).unwrap_or(beyond.len());
        text.push_str(&beyond[..next]);
        rest = &beyond[next..];
    }
    closures_without_numbers(&text).replace("_env}", "}")
}

/// `shop::refresh::{closure#0}` → `shop::refresh::{closure}`.
pub(super) fn closures_without_numbers(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('#') {
        text.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    text + rest
}

/// Names tasks.
pub(super) fn name_tasks<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    symbols: &dyn Symbols,
    objects: &mut Objects,
    names: &mut Names,
) {
    let mut unnamed = Vec::new();
    let mut spans = Vec::new();
    for (index, object) in objects.list.iter().enumerate() {
        if object.name.is_none()
            && object.bytes <= MAX_BYTES
            && let Some(place) = objects.place(evidence.map, object)
        {
            unnamed.push(index);
            spans.push(head(place.address, place.bytes, TASK_WORDS));
        }
    }
    // For each vtable the objects that point to it.
    let mut tables: BTreeMap<Vtable, Vec<usize>> = BTreeMap::new();
    peek(memory, &spans, |at, bytes| {
        for word in words(bytes).filter(|word| *word >> 12 != 0 && word >> 48 == 0 && word % 8 == 0) {
            if symbols.is_constant(Hidden::new(word)) {
                tables.entry(Vtable::new(word)).or_default().extend(unnamed.get(at));
            }
        }
    });
    let found: Vec<(Vtable, Vec<usize>)> = tables.into_iter().collect();
    let spans: Vec<_> =
        found.iter().map(|(table, _)| head(table.address(), VTABLE_WORDS * 8, VTABLE_WORDS)).collect();
    let mut tasks = Vec::new();
    let mut without_arguments = Vec::new();
    peek(memory, &spans, |at, bytes| {
        for word in words(bytes).filter(|word| *word >> 12 != 0 && word >> 48 == 0) {
            let Some(function) = symbols.function_at(Hidden::new(word)) else { continue };
            if let Some(task) = task_of(&function) {
                tasks.push((at, task));
                return;
            }
            if FUNCTIONS.contains(&function.as_str()) {
                without_arguments.push((at, Hidden::new(word)));
            }
        }
    });
    // Under the legacy mangling, only debug information names the future. It may lack some functions of a task.
    let addresses: Vec<Hidden> = without_arguments.iter().map(|(_, address)| *address).collect();
    for ((at, _), function) in without_arguments.into_iter().zip(symbols.instances_at(&addresses)) {
        tasks.extend(function.as_deref().and_then(task_of).map(|task| (at, task)));
    }
    for (at, task) in tasks {
        // A sample of such a task has the name of the function. Its body is a closure.
        let sampled = task.split("::{").next().and_then(|function| names.find(function));
        let name = Name { index: sampled.unwrap_or_else(|| names.intern(task)), inferred: false };
        for index in found.get(at).map(|(_, objects)| objects.as_slice()).unwrap_or_default() {
            if let Some(object) = objects.list.get_mut(*index) {
                object.name = Some(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_of_a_task_name_its_future() {
        for (function, expected) in [
            (
                "tokio::runtime::task::raw::poll::<shop::refresh::{closure#0}, alloc::sync::Arc<S>>",
                Some("task shop::refresh::{closure}"),
            ),
            ("tokio::runtime::task::raw::poll<shop::jobs::Mail, alloc::sync::Arc<S>>", Some("task Mail")),
            (
                "tokio::runtime::task::raw::dealloc::<core::pin::Pin<alloc::boxed::Box<dyn Fn(u8) -> u8>>, S>",
                Some("task Pin<Box<dyn Fn(u8) -> u8>>"),
            ),
            (
                "<async_task::raw::RawTask<shop::run::{closure#1}, (), S, ()>>::run",
                Some("task shop::run::{closure}"),
            ),
            (
                "tokio::runtime::task::raw::dealloc<trace::Traced<shop::audit::leak::{async_fn_env#0}>, alloc::sync::Arc<S>>",
                Some("task Traced<shop::audit::leak::{async_fn}>"),
            ),
            (
                "tokio::runtime::task::raw::poll<a::{impl#5}::run::{async_fn#0}::{async_block_env#1}<net::Tcp, &[u8]>, S>",
                Some("task a::{impl}::run::{async_fn}::{async_block}<Tcp, &[u8]>"),
            ),
            // Legacy symbols have no arguments.
            ("tokio::runtime::task::raw::poll", None),
            ("tokio::runtime::task::raw::poll::<", None),
            ("tokio::runtime::task::raw::poll::<>", None),
            ("core::ptr::drop_in_place::<shop::Job>", None),
            ("", None),
        ] {
            assert_eq!(task_of(function).as_deref(), expected, "{function}");
        }
    }
}
