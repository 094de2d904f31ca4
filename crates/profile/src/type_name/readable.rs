//! Type names as people read them.

use std::fmt::{self, Write as _};

use super::forms::{self, walk};
use super::parse::{Type, split_arguments};
use super::path::{Qualify, generated, short_path, shorten_words};

/// The element of a container: the last argument of its type, without the brackets of a slice. `Session` for
/// `HashMap<String, Session>`. A type without arguments is its own element.
pub(crate) fn element_of(name: &str) -> &str {
    let (path, arguments) = split_arguments(name);
    // The arguments of a task, closure or future belong to its code. It is an element itself.
    let is_container = path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    let arguments = if is_container { arguments } else { Vec::new() };
    let element = arguments.last().copied().unwrap_or(name);
    let inner = element.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.map_or(element, |inner| inner.rsplit_once("; ").map_or(inner, |(element, _length)| element))
}

/// The readable name of a type, as the table shows it: `HashMap<String, Session>` for
/// `std::collections::hash::map::HashMap<alloc::string::String, app::Session>`, as `std::any::type_name` writes it.
pub fn readable_type_name(full: &str) -> String {
    readable(full, Qualify::Last)
}

/// The readable name of a type: without default allocators and hashers, with short paths, and not truncated.
pub(crate) fn readable(full: &str, qualify: Qualify) -> String {
    let mut text = String::with_capacity(full.len());
    // Writing to a string cannot fail.
    let _ = write_type(&mut text, &Type::parse(full), qualify);
    text
}

fn write_type(out: &mut String, parsed: &Type<'_>, qualify: Qualify) -> fmt::Result {
    match parsed {
        Type::Path { path, arguments } => write_path(out, path, arguments, qualify),
        // The compiler writes several bounds this way.
        Type::Tuple(items) if matches!(items[..], [Type::Other(text)] if text.starts_with("dyn ")) => {
            write_list(out, items, qualify)
        }
        Type::Tuple(items) => {
            out.write_char('(')?;
            write_list(out, items, qualify)?;
            out.write_char(')')
        }
        Type::Array { element, length } => {
            out.write_char('[')?;
            write_type(out, element, qualify)?;
            if let Some(length) = length {
                write!(out, "; {length}")?;
            }
            out.write_char(']')
        }
        Type::Pointer { prefix, target } => {
            out.write_str(prefix)?;
            write_type(out, target, qualify)
        }
        Type::Function { arguments, result } => {
            out.write_str("fn(")?;
            write_list(out, arguments, qualify)?;
            out.write_char(')')?;
            match result {
                Some(result) => {
                    out.write_str(" -> ")?;
                    write_type(out, result, qualify)
                }
                None => Ok(()),
            }
        }
        Type::Other(text) => out.write_str(&shorten_words(text, qualify)),
    }
}

fn write_list(out: &mut String, items: &[Type<'_>], qualify: Qualify) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_str(", ")?;
        }
        write_type(out, item, qualify)?;
    }
    Ok(())
}

fn write_path(out: &mut String, path: &str, arguments: &[Type<'_>], qualify: Qualify) -> fmt::Result {
    // A B-tree allocates `Box<LeafNode<K, V>>`, which is a name that people never write.
    if forms::holds_nodes(path)
        && let Some((node, arguments)) = node_in(arguments)
    {
        return write_path(out, node, arguments, qualify);
    }
    if let Some(form) = set_form(path, arguments).or_else(|| forms::form_of(path))
        && let Some(start) = write_form(out, form, arguments, qualify)
    {
        // A task of an async function is called a task, without "async".
        if out[start..].starts_with("task async fn ") {
            out.replace_range(start + "task ".len()..start + "task async fn ".len(), "");
        }
        return Ok(());
    }
    if let Some((kind, place)) = generated(path) {
        return write!(out, "{kind}{place}");
    }
    out.write_str(&short_path(path, qualify))?;
    let mut kept = arguments.iter().filter(|argument| !is_default(argument)).peekable();
    if kept.peek().is_some() {
        out.write_char('<')?;
        let kept: Vec<_> = kept.cloned().collect();
        write_list(out, &kept, qualify)?;
        out.write_char('>')?;
    }
    Ok(())
}

/// The node in a box, vector or shared pointer with these arguments: alone, as a slice, or inside a layer that the
/// name drops.
fn node_in<'t>(arguments: &'t [Type<'t>]) -> Option<(&'t str, &'t [Type<'t>])> {
    match arguments.first()? {
        Type::Path { path, arguments } if forms::is_node(path) => Some((path, arguments)),
        Type::Path { path, arguments } if forms::form_of(path) == Some("0") => node_in(arguments),
        Type::Array { element, .. } => node_in(std::slice::from_ref(element)),
        _ => None,
    }
}

/// The form of a set, which is a map with empty values.
fn set_form(path: &str, arguments: &[Type<'_>]) -> Option<&'static str> {
    let is_unit = |part: Option<&Type<'_>>| matches!(part, Some(Type::Tuple(parts)) if parts.is_empty());
    match (forms::form_of(path)?, arguments) {
        ("HashMap<0, 1>", _) if is_unit(arguments.get(1)) => Some("HashSet<0>"),
        ("DashMap<0, 1>", _) if is_unit(arguments.get(1)) => Some("DashSet<0>"),
        ("HashMap<0.0, 0.1>", [Type::Tuple(pair), ..]) if is_unit(pair.get(1)) => Some("HashSet<0.0>"),
        ("BTreeMap<0, 1>", [_, Type::Path { path, .. }, ..]) if path.ends_with("::SetValZST") => {
            Some("BTreeSet<0>")
        }
        _ => None,
    }
}

/// Writes a form with its holes filled, and returns its start. Returns `None`, with nothing written, if an argument
/// is missing.
fn write_form(out: &mut String, form: &str, arguments: &[Type<'_>], qualify: Qualify) -> Option<usize> {
    let start = out.len();
    let out = std::cell::RefCell::new(out);
    let mut complete = true;
    walk(
        form,
        |text| out.borrow_mut().push_str(text),
        |hole| {
            let mut parts = arguments;
            let mut found = None;
            for index in hole {
                found = parts.get(*index);
                parts = if let Some(Type::Tuple(inner)) = found { inner } else { &[] };
            }
            // A form that consists of one hole must not leave a row without a name.
            let found = found.filter(|part| **part != Type::Other(""));
            complete &= found.is_some_and(|part| write_type(&mut out.borrow_mut(), part, qualify).is_ok());
        },
    );
    if !complete {
        out.into_inner().truncate(start);
    }
    complete.then_some(start)
}

/// Whether an argument is a default, which people do not write.
fn is_default(argument: &Type<'_>) -> bool {
    matches!(argument, Type::Path { path, .. }
        if ["alloc::alloc::Global", "std::alloc::System", "std::hash::random::RandomState"].contains(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_people_write_them() {
        for (full, expected) in [
            (
                "std::collections::hash::map::HashMap<alloc::string::String, app::Session, \
                 std::hash::random::RandomState>",
                "HashMap<String, Session>",
            ),
            (
                "hashbrown::raw::RawTable<(alloc::string::String, app::Session), alloc::alloc::Global>",
                "HashMap<String, Session>",
            ),
            ("hashbrown::raw::RawTable<(u64, ()), alloc::alloc::Global>", "HashSet<u64>"),
            ("hashbrown::raw::RawTable<u64, alloc::alloc::Global>", "RawTable<u64>"),
            (
                "alloc::boxed::Box<alloc::collections::btree::node::LeafNode<u64, app::Session>>",
                "BTreeMap<u64, Session>",
            ),
            (
                "alloc::collections::btree::node::LeafNode<u64, alloc::collections::btree::set_val::SetValZST>",
                "BTreeSet<u64>",
            ),
            ("alloc::boxed::Box<alloc::sync::ArcInner<app::Config>>", "Arc<Config>"),
            (
                "alloc::boxed::Box<tokio::runtime::task::core::Cell<app::jobs::run::{async_fn_env#0}, alloc::sync::Arc<S>>>",
                "task app::jobs::run",
            ),
            (
                "alloc::boxed::Box<app::serve::{impl#3}::run::{closure_env#1}<u8>>",
                "Box<closure in app::serve::run>",
            ),
            ("alloc::vec::Vec<[app::Point; 4], alloc::alloc::Global>", "Vec<[Point; 4]>"),
            ("alloc::boxed::Box<dyn core::error::Error + core::marker::Send>", "Box<dyn Error + Send>"),
            ("shop::Entry<&mut app::Session>", "Entry<&mut Session>"),
            (
                "alloc::boxed::Box<[crossbeam_channel::flavors::array::Slot<app::Session>], alloc::alloc::Global>",
                "crossbeam::channel<Session>",
            ),
            (
                "alloc::boxed::Box<alloc::sync::ArcInner<tokio::sync::mpsc::chan::Chan<app::Job, app::S>>>",
                "mpsc::channel<Job>",
            ),
            ("Vec<slab::Entry<app::Session>>", "Slab<Session>"),
            ("Box<core::mem::maybe_uninit::MaybeUninit<bytes::bytes::Shared>>", "Bytes"),
            (
                "app::handler<app::a::{async_fn_env#0}>::{closure_env#0}",
                "closure in app::handler<app::a::{async_fn_env#0}>",
            ),
            // Types as `std::any::type_name` writes them.
            ("(app::B, &'static str, ())", "(B, &'static str, ())"),
            ("fn(app::B) -> app::D", "fn(B) -> D"),
            ("fn(app::B) -> app::run::{async_fn_env#0}", "fn(B) -> async fn app::run"),
            ("Vec<fn(alloc::sync::Arc<app::B, alloc::alloc::Global>)>", "Vec<fn(Arc<B>)>"),
            ("alloc::sync::Arc<(dyn app::Draw + core::marker::Send)>", "Arc<dyn Draw + Send>"),
            (
                "alloc::boxed::Box<[tokio::loom::std::unsafe_cell::UnsafeCell<core::mem::maybe_uninit::\
                 MaybeUninit<app::Job>>]>",
                "Box<[Job]>",
            ),
            (
                "dyn core::future::Future<Output=app::run::{async_fn_env#0}>",
                "dyn Future<Output=async fn app::run>",
            ),
            ("app::run::{{closure}}", "{{closure}}"),
            ("core::cell::UnsafeCell<,>", "UnsafeCell<>"),
            ("u8", "u8"),
            ("dyn alloc::vec::", "dyn alloc::vec::"),
            ("", ""),
        ] {
            assert_eq!(readable(full, Qualify::Last), expected, "{full}");
        }
    }

    #[test]
    fn finds_the_element_of_a_container() {
        for (name, element) in [
            ("Vec<Session>", "Session"),
            ("HashMap<String, Vec<(u8, u8)>>", "Vec<(u8, u8)>"),
            ("Arc<[Session]>", "Session"),
            ("Box<[u8; 16]>", "u8"),
            ("String", "String"),
            ("task app::run", "task app::run"),
            (
                "task H2Stream<app::serve, Body, TokioExecutor>",
                "task H2Stream<app::serve, Body, TokioExecutor>",
            ),
            ("Box<async fn app::run>", "async fn app::run"),
            ("Box<closure in app::run<u8>>", "closure in app::run<u8>"),
            ("closure in app::run<u8>", "closure in app::run<u8>"),
        ] {
            assert_eq!(element_of(name), element);
        }
    }

    #[test]
    fn a_qualified_name_keeps_the_crate_or_the_module() {
        let full = "alloc::vec::Vec<app::web::store::Session, alloc::alloc::Global>";
        assert_eq!(readable(full, Qualify::Crate), "Vec<app::Session>");
        assert_eq!(readable(full, Qualify::Module), "Vec<store::Session>");
        assert_eq!(readable("app::Session", Qualify::Module), "app::Session");
    }
}
