//! The place in the code where a stack allocates. It names memory without a type, and bytes, whose type says little.

use super::function::{FunctionInfo, Origin};
use super::rules::is_of_container;
use super::step::{Step, beyond_allocator};
use crate::type_name::{Qualify, readable};

/// Code without a name: the compiler's name for the code and for its type, and the readable words.
const UNNAMED: &[(&str, &str, &str)] = &[
    ("{async_fn#", "::{async_fn_env#", "async fn"),
    ("{async_block#", "::{async_block_env#", "async block"),
    ("{async_closure#", "::{async_closure_env#", "async closure"),
    ("{closure#", "::{closure_env#", "closure"),
    // A symbol with the legacy mangling, which has no number.
    ("{{closure}}", "", "closure"),
];

/// Finds the frame of the allocation site, the place that a developer would name. It is the innermost frame of the
/// service's own code, or of unloaded code. Without such a frame it is the first frame outside of containers, then
/// the first outside of `std`, then any frame.
///
/// Beyond a call through `dyn`, the service did not choose what runs: a middleware that awaits `next.run(request)`
/// has not allocated what a handler deserializes. So frames beyond such a call do not qualify.
pub(crate) fn allocation_site(steps: &[Step<'_>]) -> Option<usize> {
    let outside = beyond_allocator(steps).1;
    let inside = steps.len() - outside.len();
    let first = |wanted: fn(&FunctionInfo) -> bool| outside.iter().position(|step| wanted(step.info));
    let chosen = first(is_dispatch).map_or(outside, |dispatch| &outside[..dispatch]);
    chosen
        .iter()
        .position(|step| matches!(step.info.origin, Origin::Service | Origin::Unloaded))
        .or_else(|| first(|info| is_outside_std(info) && !is_of_container_crate(info)))
        .or_else(|| first(is_outside_std))
        .or_else(|| (!outside.is_empty()).then_some(0))
        .map(|at| inside + at)
}

/// The readable name of the function at the allocation site. `None` if no frame shows it.
pub(crate) fn function(steps: &[Step<'_>]) -> Option<String> {
    let at = allocation_site(steps)?;
    let step = steps[at];
    let caller = steps.get(at + 1).map(|caller| caller.info);
    Some(unnamed(step, caller).unwrap_or_else(|| step.info.label()))
}

/// The code that asked for memory of unknown type: the function, or the crate if the function is a guess. It is a
/// guess if the stack has lost its innermost frames and the service's own functions occur only beyond a call through
/// `dyn`.
pub(crate) fn asked_by(steps: &[Step<'_>]) -> Option<String> {
    let is_of_service = |step: &Step<'_>| step.info.origin == Origin::Service;
    let (is_whole, _) = beyond_allocator(steps);
    let is_chosen = allocation_site(steps).is_some_and(|at| is_of_service(&steps[at]));
    let is_guess = !is_whole && !is_chosen && steps.iter().any(is_of_service);
    if is_guess { crate_name(steps) } else { function(steps) }
}

/// Whether the standard library allocates for itself before it calls `main`.
pub(crate) fn is_in_start(steps: &[Step<'_>]) -> bool {
    let mut outside = beyond_allocator(steps).1.iter().map(|step| step.info);
    outside
        .find(|info| is_outside_std(info) || info.module == "std::rt")
        .is_some_and(|info| info.module == "std::rt")
}

fn is_outside_std(info: &FunctionInfo) -> bool {
    !matches!(info.origin, Origin::Std | Origin::Allocator)
}

fn is_of_container_crate(info: &FunctionInfo) -> bool {
    info.origin == Origin::Dependency && is_of_container(info)
}

/// Whether a frame calls a future or closure whose type its caller does not know.
fn is_dispatch(info: &FunctionInfo) -> bool {
    let calls = ["call", "poll"].iter().any(|verb| info.name.starts_with(verb));
    info.origin == Origin::Std && calls && info.arguments.iter().any(|argument| argument.contains("dyn "))
}

/// The frames of a traceback: all except the layers by which containers ask for memory. The outermost layer stays.
/// Without this, every traceback would begin with the same eight frames of `Vec`.
pub(crate) fn beyond_layers<'s, 'f>(steps: &'s [Step<'f>]) -> &'s [Step<'f>] {
    let outside = beyond_allocator(steps).1;
    &outside[inner_layers(outside.iter().map(|step| is_layer(step.info)))..]
}

/// The number of frames that [`beyond_layers`] leaves out, given which frames are layers.
pub(crate) fn inner_layers(is_layer: impl Iterator<Item = bool>) -> usize {
    is_layer.take_while(|is_layer| *is_layer).count().saturating_sub(1)
}

/// Whether a function belongs to `std`, or to a container of the table.
pub(crate) fn is_layer(info: &FunctionInfo) -> bool {
    !is_outside_std(info) || is_of_container_crate(info)
}

/// The crate that asked for the memory: the innermost crate that is neither `std` nor a container.
pub(crate) fn crate_name(steps: &[Step<'_>]) -> Option<String> {
    let asks = |step: &&Step<'_>| is_outside_std(step.info);
    let outside = beyond_allocator(steps).1;
    let asking = outside.iter().filter(asks).find(|step| !is_of_container_crate(step.info));
    let info = asking.or_else(|| outside.iter().find(asks)).or_else(|| outside.first())?.info;
    match info.origin {
        Origin::Service => Some("this service".to_owned()),
        Origin::Dependency => info.module.split("::").next().map(str::to_owned),
        Origin::Std => Some("std".to_owned()),
        Origin::Unloaded => Some(info.label()),
        _ => Some("other languages".to_owned()),
    }
}

/// Names a closure or future by its place. In the service's own code, this is the path of its type if the caller's
/// arguments contain it (`closure in app::run`), and otherwise file and line. In libraries, it is the module.
fn unnamed(step: Step<'_>, caller: Option<&FunctionInfo>) -> Option<String> {
    let info = step.info;
    let (prefix, of_type, words) = UNNAMED.iter().find(|(prefix, ..)| info.name.starts_with(prefix))?;
    if !info.module.contains('/') {
        return (!info.module.is_empty()).then(|| format!("{words} in {}", info.module));
    }
    let suffix = format!("{of_type}{}", &info.name[prefix.len()..]);
    let mut paths: Vec<&str> = caller
        .filter(|_| !suffix.is_empty())
        .into_iter()
        .flat_map(|caller| &caller.arguments)
        .flat_map(|argument| paths_ending_in(argument, &suffix))
        .filter(|path| may_stand_in(path, &info.module))
        .collect();
    paths.dedup();
    // The line where the code begins, so that all its allocations share one name. If it is unknown, the line of the
    // allocation.
    let line = if info.first_line > 0 { info.first_line } else { step.line };
    Some(match (&paths[..], line) {
        // The number in the name of a type restarts in every function, so two paths are ambiguous.
        ([path], _) => readable(path, Qualify::Last),
        (_, 0) => format!("{words} ({}.rs)", info.module),
        (_, line) => format!("{words} at {}.rs:{line}", info.module),
    })
}

/// The paths in a type that end in `suffix`, except paths with generic arguments in the middle.
fn paths_ending_in<'t>(text: &'t str, suffix: &str) -> impl Iterator<Item = &'t str> {
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '{' | '}' | '#');
    text.match_indices(suffix).filter_map(move |(at, found)| {
        let before = &text[..at];
        let start = before.trim_end_matches(is_path).len();
        (start < at && !before[..start].ends_with('>')).then(|| &text[start..at + found.len()])
    })
}

/// Whether the code of a path can be in a file of the service. The file comes without its extension.
fn may_stand_in(path: &str, file: &str) -> bool {
    let mut folders = file.rsplit('/');
    let module = match folders.next() {
        Some("mod") => folders.next(),
        Some("main" | "lib") => None,
        module => module,
    };
    let of_library = ["core::", "alloc::", "std::"].iter().any(|library| path.starts_with(library));
    !of_library && module.is_none_or(|module| path.split("::").any(|segment| segment == module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(origin: Origin, module: &str, name: &str, arguments: &[&str]) -> FunctionInfo {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        FunctionInfo { origin, module: module.into(), name: name.into(), arguments, first_line: 0 }
    }

    #[test]
    fn skips_std_and_containers_to_find_the_crate() {
        let info = |origin, module: &str| info(origin, module, "f", &[]);
        let stack = [
            info(Origin::Allocator, "alloc::alloc"),
            info(Origin::Std, "alloc::vec"),
            info(Origin::Dependency, "indexmap::map"),
            info(Origin::Dependency, "sqlparser::parser"),
            info(Origin::Service, "src/query"),
        ];
        let named = |from: usize, to: usize| {
            let steps: Vec<_> = stack[from..to].iter().map(|info| Step { info, line: 0 }).collect();
            crate_name(&steps)
        };
        assert_eq!(named(0, 5).as_deref(), Some("sqlparser"));
        assert_eq!(named(0, 3).as_deref(), Some("indexmap"));
        assert_eq!(named(0, 2).as_deref(), Some("std"));
        assert_eq!(named(4, 5).as_deref(), Some("this service"));
        assert_eq!(named(0, 1), None);
    }

    #[test]
    fn names_unnumbered_symbol_by_module_or_line() {
        for (module, expected) in
            [("app::run", "closure in app::run"), ("src/run", "closure at src/run.rs:7")]
        {
            let code = info(Origin::Service, module, "{{closure}}", &[]);
            let caller = info(Origin::Std, "core::ops", "call_once", &["app::run::{closure_env#0}"]);
            let steps = [Step { info: &code, line: 7 }, Step { info: &caller, line: 0 }];
            assert_eq!(function(&steps).as_deref(), Some(expected));
        }
    }

    /// A request body that is deserialized while a middleware waits for the handler.
    #[test]
    fn ignores_functions_behind_a_call_through_dyn() {
        let layer = info(Origin::Dependency, "bytes::bytes_mut", "reserve", &[]);
        let asks = info(Origin::Dependency, "serde_json::de", "deserialize_str", &[]);
        let dispatch = info(
            Origin::Std,
            "core::future::future",
            "poll",
            &["alloc::boxed::Box<dyn core::future::future::Future<Output=()>>"],
        );
        let middleware = info(Origin::Service, "src/address", "resolve", &[]);
        let call = info(Origin::Allocator, "alloc::alloc", "alloc", &[]);
        let named = |stack: &[&FunctionInfo]| {
            let steps: Vec<_> = stack.iter().map(|info| Step { info, line: 0 }).collect();
            (function(&steps).unwrap(), asked_by(&steps).unwrap(), crate_name(&steps).unwrap())
        };
        let (function, asked_by, crate_name) = named(&[&call, &layer, &asks, &dispatch, &middleware]);
        assert_eq!(function, "serde_json::de::deserialize_str", "the first that is no container");
        assert_eq!((asked_by, crate_name.as_str()), (function, "serde_json"));
        let (_, asked_by, _) = named(&[&asks, &dispatch, &middleware]);
        assert_eq!(asked_by, "serde_json", "the calls below may have been merged");
        let (function, asked_by, _) = named(&[&call, &asks, &middleware, &dispatch]);
        assert_eq!(
            (function.as_str(), asked_by.as_str()),
            ("resolve (src/address.rs)", "resolve (src/address.rs)")
        );
    }

    #[test]
    fn gives_all_lines_of_a_future_one_name() {
        let future =
            FunctionInfo { first_line: 12, ..info(Origin::Service, "src/upload", "{async_fn#0}", &[]) };
        for line in [14, 17, 30] {
            assert_eq!(
                function(&[Step { info: &future, line }]).as_deref(),
                Some("async fn at src/upload.rs:12")
            );
        }
    }

    #[test]
    fn tracebacks_begin_with_the_function_that_was_called() {
        let stack = [
            info(Origin::Allocator, "alloc::alloc", "alloc", &[]),
            info(Origin::Std, "alloc::raw_vec", "finish_grow", &[]),
            info(Origin::Std, "alloc::raw_vec", "grow_one", &[]),
            info(Origin::Std, "alloc::vec", "push", &[]),
            info(Origin::Dependency, "slab", "insert_at", &[]),
            info(Origin::Dependency, "h2::proto::streams", "insert", &[]),
            info(Origin::Service, "src/main", "serve", &[]),
        ];
        let steps: Vec<_> = stack.iter().map(|info| Step { info, line: 0 }).collect();
        let begins = |from: usize, to: usize| {
            beyond_layers(&steps[from..to]).iter().map(|step| step.info.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(begins(0, 7), ["insert_at", "insert", "serve"]);
        assert_eq!(begins(0, 4), ["push"], "nothing but layers");
        assert_eq!(begins(5, 7), ["insert", "serve"], "no layers");
        assert!(begins(0, 1).is_empty() && begins(0, 0).is_empty());
    }

    #[test]
    fn recognizes_std_code_before_main() {
        let call = info(Origin::Allocator, "alloc::alloc", "alloc", &[]);
        let name = info(Origin::Std, "alloc::boxed::convert", "from", &[]);
        let init = info(Origin::Std, "std::rt", "init", &[]);
        let main = info(Origin::Service, "src/main", "main", &[]);
        let is_start = |stack: &[&FunctionInfo]| {
            is_in_start(&stack.iter().map(|info| Step { info, line: 0 }).collect::<Vec<_>>())
        };
        assert!(is_start(&[&call, &name, &init]));
        assert!(!is_start(&[&call, &name, &main, &init]), "`main` is called by it");
        assert!(!is_start(&[&call, &name]) && !is_start(&[]));
    }

    fn name_of(name: &str, caller: &[&str]) -> Option<String> {
        let code = info(Origin::Service, "src/upload", name, &[]);
        let caller = info(Origin::Dependency, "tokio::task", "poll", caller);
        function(&[Step { info: &code, line: 7 }, Step { info: &caller, line: 0 }])
    }

    #[test]
    fn names_unnamed_code_by_the_type_that_its_caller_knows() {
        for (name, argument, expected) in [
            ("{async_fn#0}", "app::upload::read::{async_fn_env#0}", "async fn app::upload::read"),
            (
                "{async_block#1}",
                "Pin<app::upload::run::{async_block_env#1}>",
                "async block in app::upload::run",
            ),
            ("{closure#2}", "&app::upload::run::{closure_env#2}<u8>", "closure in app::upload::run"),
        ] {
            assert_eq!(name_of(name, &[argument]).as_deref(), Some(expected));
        }
    }

    #[test]
    fn names_code_with_an_uncertain_path_by_its_line() {
        for arguments in [
            &[][..],
            &["app::store::read::{async_fn_env#0}"],
            &["core::upload::read::{async_fn_env#0}"],
            &["app::upload::read<u8>::{async_fn_env#0}"],
            &["app::upload::read::{async_fn_env#0}", "app::upload::write::{async_fn_env#0}"],
        ] {
            assert_eq!(name_of("{async_fn#0}", arguments).as_deref(), Some("async fn at src/upload.rs:7"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_frames_panic(name in "\\{(async_fn|closure)#[0-9]?\\}?", argument in "[a-z:<>·{}#_ ]{0,30}", tail in 0..3_usize) {
            let argument = format!("{argument}{}", ["", "::{closure_env#0}", "::{async_fn_env#"][tail]);
            let _ = name_of(&name, &[&argument]);
        }
    }
}
