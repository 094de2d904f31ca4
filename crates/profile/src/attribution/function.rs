//! The facts about a function that attribution uses: whose code it is, its module and its generic arguments.

use crate::symbols::frames::Function;
use crate::symbols::source_path::BESIDE_SERVICE;
use crate::symbols::stand_in::UNLOADED;
use crate::type_name::{split_arguments, split_list};

/// Whose code a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// jemalloc, the glue of the global allocator, and `alloc::alloc`. Developers never look for these.
    Allocator,
    /// `core`, `alloc`, `std` and their dependencies.
    Std,
    /// A crate from a registry or repository.
    Dependency,
    /// The service itself. Its source paths are relative to its workspace.
    Service,
    /// Code of another language.
    Foreign,
    /// A library that has been unloaded. It may have belonged to the service.
    Unloaded,
    /// A function without a name, or with a name that does not show its origin.
    Unknown,
}

/// The parts of a function's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionInfo {
    pub(crate) origin: Origin,
    /// Path of the module, `alloc::vec`. For the service's own functions, the file without its extension.
    pub(crate) module: String,
    /// Last segment of the path, without arguments.
    pub(crate) name: String,
    /// Generic arguments of the implementation, then of the function. Only concrete arguments: a symbol with the
    /// legacy mangling has `T`, which says nothing.
    pub(crate) arguments: Vec<String>,
    /// See [`Function::first_line`].
    pub(crate) first_line: u32,
}

impl FunctionInfo {
    pub(crate) fn of(function: &Function) -> Self {
        let name = function.name.as_deref().unwrap_or_default();
        let info = match (function.is_symbol, function.file.as_deref()) {
            (false, file) => Self::of_debug_name(name, file),
            (true, None) => Self::of_symbol(name),
            // The file is the better source for owner and module: the symbol may say only `<&A as Allocator>`.
            (true, Some(file)) => {
                let Self { name, arguments, .. } = Self::of_symbol(name);
                let (origin, module) = module_of_file(file);
                let origin = if is_allocator(&module, &name) { Origin::Allocator } else { origin };
                Self { origin, module, name, arguments, first_line: 0 }
            }
        };
        Self { first_line: function.first_line, ..info }
    }

    fn of_debug_name(name: &str, file: Option<&str>) -> Self {
        let (name, arguments) = split_arguments(name);
        let (origin, module) = file.map_or((Origin::Unknown, String::new()), module_of_file);
        Self {
            origin: if is_allocator(&module, name) { Origin::Allocator } else { origin },
            module,
            name: name.to_owned(),
            arguments: arguments.into_iter().map(str::to_owned).collect(),
            first_line: 0,
        }
    }

    /// Parses a demangled symbol: `alloc::vec::Vec<T,A>::push`, `<alloc::vec::Vec<u8>>::push`, `<A as B>::c`, `malloc`.
    fn of_symbol(symbol: &str) -> Self {
        let (symbol, own) = split_arguments(symbol);
        let (path, name) = rsplit_path(symbol);
        let self_type = path.strip_prefix('<').map_or(path, |inner| {
            inner
                .split_once(" as ")
                .map_or(inner.strip_suffix('>').unwrap_or(inner), |(self_type, _)| self_type)
        });
        let (module, arguments) = split_arguments(self_type);
        let arguments: Vec<String> = arguments
            .into_iter()
            .chain(own)
            .flat_map(split_list)
            .map(str::to_owned)
            .take_while(|argument| is_concrete(argument))
            .collect();
        let crate_name = module.split("::").next().unwrap_or_default();
        let origin = match crate_name {
            _ if symbol == UNLOADED => Origin::Unloaded,
            _ if is_allocator(module, name) => Origin::Allocator,
            "" => Origin::Foreign,
            "core" | "alloc" | "std" | "hashbrown" => Origin::Std,
            // A symbol does not distinguish a dependency from the service. Neither origin makes a function a
            // container.
            _ => Origin::Service,
        };
        Self { origin, module: module.to_owned(), name: name.to_owned(), arguments, first_line: 0 }
    }

    /// Whether this function is the border between Rust code and its allocator.
    pub(crate) fn is_allocation_call(&self) -> bool {
        self.module.strip_prefix("alloc::alloc").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            || self.name.starts_with("__rust_alloc")
            || self.name.starts_with("__rust_realloc")
    }

    /// The readable name: `module::name` for a path, `name (file)` for the service's own functions.
    pub(crate) fn label(&self) -> String {
        match (self.origin, self.module.as_str(), self.name.as_str()) {
            (_, _, "") => "unknown code".to_owned(),
            (_, "", name) => name.to_owned(),
            (Origin::Service, module, name) if module.contains('/') => format!("{name} ({module}.rs)"),
            (_, module, name) => format!("{module}::{name}"),
        }
    }
}

/// Splits a path at its last `::` outside brackets.
fn rsplit_path(path: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    let bytes = path.as_bytes();
    for at in (0..bytes.len()).rev() {
        match bytes[at] {
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b'}' | b')' => depth += 1,
            b'<' | b'{' | b'(' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && at > 0 && bytes[at - 1] == b':' => {
                return (&path[..at - 1], &path[at + 1..]);
            }
            _ => {}
        }
    }
    ("", path)
}

/// Whether an argument is a type, rather than the name of a generic parameter.
fn is_concrete(argument: &str) -> bool {
    argument.contains("::")
        || argument.starts_with(['&', '*', '(', '[', '{'])
        || argument.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Modules of allocators, and of the glue between them and Rust.
#[rustfmt::skip]
const ALLOCATORS: &[&str] = &[
    "alloc::alloc", "allocator_api2", "hashbrown::alloc", "std::alloc", "std::sys::alloc", "tikv_jemallocator",
    "tikv_jemalloc_sys", "jemallocator",
];

fn is_allocator(module: &str, name: &str) -> bool {
    let in_module = |prefix: &str| {
        module.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    ALLOCATORS.iter().any(|module| in_module(module))
        || ["__rust_", "__rdl_", "__rg_", "_rjem_", "je_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Whose code a (trimmed) source file contains, and its module path.
fn module_of_file(file: &str) -> (Origin, String) {
    let Some(stem) = file.strip_suffix(".rs") else {
        let origin = if file.contains("jemalloc") { Origin::Allocator } else { Origin::Foreign };
        return (origin, file.to_owned());
    };
    if let Some(path) = stem.strip_prefix("library/") {
        return (Origin::Std, module_path(path));
    }
    if let Some(path) = stem.strip_prefix(BESIDE_SERVICE) {
        return (Origin::Dependency, module_path(&crate_path(path)));
    }
    let folder = stem.split('/').next().unwrap_or_default();
    match versioned(folder) {
        Some(name) => {
            let path = format!("{name}{}", &stem[folder.len()..]);
            (Origin::Dependency, module_path(&path))
        }
        None => (Origin::Service, stem.to_owned()),
    }
}

/// The part of a path that begins with the crate's folder: `slab/src/lib` for the git checkout
/// `slab-12ab90/34cd5e7/src/lib`.
fn crate_path(path: &str) -> String {
    let (folders, rest) = path.split_once("/src/").unwrap_or((path, ""));
    let is_hash = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut folders = folders.rsplit('/');
    let folder = match folders.next() {
        Some(commit) if is_hash(commit) => folders.next().unwrap_or(commit),
        folder => folder.unwrap_or_default(),
    };
    let name = match folder.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => name,
        _ => folder,
    };
    format!("{name}/src/{rest}")
}

/// `hashbrown` for `hashbrown-0.15.2`.
fn versioned(folder: &str) -> Option<&str> {
    let dash = folder
        .match_indices('-')
        .find(|(at, _)| folder[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?
        .0;
    folder[dash..].contains('.').then(|| &folder[..dash])
}

/// `alloc::vec` for `alloc/src/vec/mod`.
fn module_path(path: &str) -> String {
    let mut segments: Vec<_> = path.split('/').filter(|segment| !matches!(*segment, "src" | "")).collect();
    if matches!(segments.last(), Some(&("mod" | "lib"))) {
        segments.pop();
    }
    segments.join("::").replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn info(name: &str, file: Option<&str>) -> (Origin, String, String, Vec<String>) {
        let function = Function::new(Some(Arc::from(name)), file.is_none(), file.map(Arc::from));
        let FunctionInfo { origin, module, name, arguments, .. } = FunctionInfo::of(&function);
        (origin, module, name, arguments)
    }

    #[test]
    fn debug_names_take_their_module_from_the_file() {
        for (name, file, origin, module) in [
            ("push<app::S>", "library/alloc/src/vec/mod.rs", Origin::Std, "alloc::vec"),
            ("insert<u8, u8>", "hashbrown-0.15.2/src/map.rs", Origin::Dependency, "hashbrown::map"),
            ("run", "../store/src/serve/mod.rs", Origin::Dependency, "store::serve"),
            ("put<u8>", "../slab-12ab90cd34ef/34cd5e7/src/lib.rs", Origin::Dependency, "slab"),
            (
                "put<u8>",
                "../tokio-12ab90cd34ef/34cd5e7/tokio-util/src/codec.rs",
                Origin::Dependency,
                "tokio_util::codec",
            ),
            ("spawn<F>", "tokio-util-0.7.1/src/task/mod.rs", Origin::Dependency, "tokio_util::task"),
            ("run", "src/main.rs", Origin::Service, "src/main"),
            ("alloc", "tikv-jemallocator-0.7.0/src/lib.rs", Origin::Allocator, "tikv_jemallocator"),
            ("imalloc", "tikv-jemalloc-sys-3f/out/build/src/jemalloc.c", Origin::Allocator, ""),
            ("sqlite3_exec", "sqlite-1.0/sqlite3.c", Origin::Foreign, ""),
            ("alloc", "library/alloc/src/alloc.rs", Origin::Allocator, "alloc::alloc"),
        ] {
            let found = info(name, Some(file));
            assert_eq!(found.0, origin, "{file}");
            if !module.is_empty() {
                assert_eq!(found.1, module);
            }
        }
        assert_eq!(info("insert<u8, (A, B)>", Some("src/a.rs")).3, ["u8", "(A, B)"]);
    }

    #[test]
    fn symbols_take_their_module_from_the_path() {
        let strings = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        for (symbol, origin, module, name, arguments) in [
            (
                "<alloc::raw_vec::RawVec<app::S>>::grow_one",
                Origin::Std,
                "alloc::raw_vec::RawVec",
                "grow_one",
                &["app::S"][..],
            ),
            ("alloc::vec::Vec<T,A>::push", Origin::Std, "alloc::vec::Vec", "push", &[]),
            (
                "<alloc::string::String as core::clone::Clone>::clone",
                Origin::Std,
                "alloc::string::String",
                "clone",
                &[],
            ),
            ("app::run::{closure#0}", Origin::Service, "app::run", "{closure#0}", &[]),
            ("malloc", Origin::Foreign, "", "malloc", &[]),
            ("_rjem_malloc", Origin::Allocator, "", "_rjem_malloc", &[]),
            (UNLOADED, Origin::Unloaded, "", UNLOADED, &[]),
        ] {
            let expected = (origin, module.to_owned(), name.to_owned(), strings(arguments));
            assert_eq!(info(symbol, None), expected, "{symbol}");
        }
    }
}
