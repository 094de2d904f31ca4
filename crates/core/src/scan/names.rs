//! The names of variables and functions of this process.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::path::Path;

use memory_debug_holders::{Hidden, Symbols};
use memory_debug_profile::{Mapping, SymbolNames, Symbolizer};

use super::ranges::merged;
use crate::maps;
use crate::objects::{LoadedObject, loaded_objects};
use crate::own_files::OwnFiles;

/// The program and its libraries, with their names. The symbols of a library are read when the first name is needed.
pub(super) struct Names {
    objects: Vec<NamedObject>,
    files: OwnFiles,
    /// The addresses of all objects, in ascending order.
    known: Vec<Range<u64>>,
    /// The addresses of their constants, in ascending order.
    constants: Vec<Range<u64>>,
    /// The thread pointers of all threads, in ascending order. Thread-local variables end there.
    thread_pointers: Vec<u64>,
    mappings: Vec<Mapping>,
    /// Debug information, of which nothing is read before it is needed.
    symbolizer: RefCell<Symbolizer>,
}

struct NamedObject {
    loaded: LoadedObject,
    /// A mapping of its code, which leads to its file.
    mapping: Option<Mapping>,
    /// Bytes from the begin of its thread-local variables to the thread pointer, the same for each thread. `None` if it
    /// has none, or was loaded later (`dlopen`) and has them elsewhere.
    below_thread_pointer: Option<u64>,
    symbols: OnceCell<Result<SymbolNames, String>>,
}

/// The most bytes of thread-local variables that lie at the same distance from the thread pointer. Variables of libraries
/// loaded later lie elsewhere.
const MAX_THREAD_LOCAL_BYTES: u64 = 1 << 20;

impl Names {
    /// Lists the loaded objects. `root` is the folder where `/proc` is mounted, and `thread_pointer` belongs to the calling
    /// thread.
    ///
    /// # Errors
    ///
    /// If the mappings of the process cannot be read. The message says why.
    pub(super) fn read(root: &Path, thread_pointer: u64) -> Result<Self, String> {
        let mappings = maps::read(root).map_err(|gap| gap.to_string())?;
        let objects: Vec<NamedObject> = loaded_objects()
            .into_iter()
            .map(|loaded| NamedObject::new(loaded, &mappings, thread_pointer))
            .collect();
        let constants = merged(objects.iter().flat_map(|object| object.loaded.constants.clone()));
        let all = |object: &NamedObject| {
            let loaded = &object.loaded;
            [&loaded.code, &loaded.constants, &loaded.writable].map(Vec::clone).concat()
        };
        let known = merged(objects.iter().flat_map(all));
        Ok(Self {
            known,
            constants,
            objects,
            files: OwnFiles::new(),
            thread_pointers: Vec::new(),
            mappings,
            symbolizer: RefCell::default(),
        })
    }

    /// Tells the thread pointers of all threads, by which thread-local variables are found.
    pub(super) fn set_thread_pointers(&mut self, mut thread_pointers: Vec<u64>) {
        thread_pointers.sort_unstable();
        self.thread_pointers = thread_pointers;
    }

    /// The static variables of all objects, in ascending order.
    pub(super) fn statics(&self) -> Vec<Range<u64>> {
        merged(self.objects.iter().flat_map(|object| object.loaded.writable.clone()))
    }

    /// Bytes below a thread pointer that thread-local variables take.
    pub(super) fn thread_local_bytes(&self) -> u64 {
        self.objects.iter().filter_map(|object| object.below_thread_pointer).max().unwrap_or(0)
    }

    /// The variables of the allocator. They must not count as holders: its lists and caches point to memory that is free.
    ///
    /// # Errors
    ///
    /// If they cannot be told apart from other variables. The message says why and what to do.
    pub(super) fn of_allocator(&self, code: u64) -> Result<AllocatorVariables, String> {
        let object = self.objects.iter().find(|object| object.loaded.overlaps(code..code + 1));
        let object = object.ok_or("the code of jemalloc is in no loaded file")?;
        let symbols = self.symbols_of(object).map_err(|reason| {
            format!("the variables of jemalloc cannot be told apart from other variables: {reason}")
        })?;
        let below = object.below_thread_pointer;
        let locals = symbols.thread_locals_named(|name| name.contains("tsd_tls"));
        let (Some(below), false) = (below, locals.is_empty()) else {
            return Err("the thread-local variables of jemalloc were not found; report this with the version and the \
                        features of tikv-jemalloc-sys"
                .to_owned());
        };
        let in_memory = |range: Range<u64>| {
            object.loaded.base.wrapping_add(range.start)..object.loaded.base.wrapping_add(range.end)
        };
        Ok(AllocatorVariables {
            // Its records of samples (`bt2gctx` in prof_data.c) and others are static in their file, and have no prefix.
            statics: symbols
                .statics_named(|name| is_of_allocator(name) || LOCAL_STATICS.contains(&name))
                .into_iter()
                .chain(symbols.statics_beside(is_of_allocator))
                .map(in_memory)
                .collect(),
            below_thread_pointer: locals
                .into_iter()
                .filter_map(|range| Some(below.checked_sub(range.start)?..below.checked_sub(range.end)?))
                .collect(),
        })
    }

    /// The variables of this library, or `None` if they have no names: then they are followed like all others.
    pub(super) fn of_library(&self) -> Option<LibraryVariables> {
        let code = is_of_library as *const () as u64;
        let object = self.objects.iter().find(|object| object.loaded.overlaps(code..code + 1))?;
        let symbols = self.symbols_of(object).ok()?;
        let in_memory = |range: Range<u64>| {
            object.loaded.base.wrapping_add(range.start)..object.loaded.base.wrapping_add(range.end)
        };
        let locals = object.below_thread_pointer.map(|below| {
            let locals = symbols.thread_locals_named(is_of_library).into_iter();
            locals
                .filter_map(|range| Some(below.checked_sub(range.start)?..below.checked_sub(range.end)?))
                .collect()
        });
        Some(LibraryVariables {
            statics: symbols.statics_named(is_of_library).into_iter().map(in_memory).collect(),
            below_thread_pointer: locals.unwrap_or_default(),
        })
    }

    fn symbols_of<'a>(&'a self, object: &'a NamedObject) -> Result<&'a SymbolNames, &'a str> {
        let read = || match &object.mapping {
            Some(mapping) => SymbolNames::read(mapping, &self.files)
                // The file without its folder (S63).
                .map_err(|reason| format!("{}: {reason}", mapping.file_name())),
            None => Err("its file is not known".to_owned()),
        };
        object.symbols.get_or_init(read).as_ref().map_err(String::as_str)
    }

    /// The symbols of the object that has an address in one of these ranges, and the link-time address.
    fn linked(
        &self,
        address: u64,
        ranges: impl Fn(&LoadedObject) -> &Vec<Range<u64>>,
    ) -> Option<(&SymbolNames, u64)> {
        let has = |object: &&NamedObject| ranges(&object.loaded).iter().any(|range| range.contains(&address));
        let object = self.objects.iter().find(has)?;
        Some((self.symbols_of(object).ok()?, address.wrapping_sub(object.loaded.base)))
    }
}

/// The path of a symbol and the arguments of an instance: `tokio::raw::poll` and `poll<Mail>` are `tokio::raw::poll<Mail>`.
/// `None` if they are different functions.
fn path_of_instance(symbol: &str, instance: &str) -> Option<String> {
    let (name, _) = instance.split_once('<')?;
    let path = symbol.strip_suffix(name).filter(|path| path.is_empty() || path.ends_with("::"))?;
    Some(format!("{path}{instance}"))
}

/// The variables of the allocator.
#[derive(Debug, Default)]
pub(super) struct AllocatorVariables {
    /// Static variables.
    pub(super) statics: Vec<Range<u64>>,
    /// Thread-local variables: how many bytes below the thread pointer they begin, and end.
    pub(super) below_thread_pointer: Vec<Range<u64>>,
}

/// The variables of this library. They count as holders only of what nothing else holds: the library has looked at much
/// of the program's memory, and its variables have pointers to it that are stale.
#[derive(Debug, Default)]
pub(super) struct LibraryVariables {
    /// Static variables.
    pub(super) statics: Vec<Range<u64>>,
    /// Thread-local variables: how many bytes below the thread pointer they begin, and end.
    pub(super) below_thread_pointer: Vec<Range<u64>>,
}

/// What the names of all crates of this workspace begin with.
const CRATES: &str = "memory_debug_";

/// Whether the linker's name belongs to a crate of this workspace: `_ZN17memory_debug_core…` and, in front of it, nothing
/// but the digits of its length; `_RNvNtCs1234_17memory_debug_core…` under the v0 mangling.
fn is_of_library(name: &str) -> bool {
    let Some((before, _)) = name.split_once(CRATES) else { return false };
    let path = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_first = if let Some(path) = path.strip_prefix("_R") {
        // A crate has a disambiguator, which ends with an underscore, or none.
        path.ends_with('C')
            || path.rsplit_once("Cs").is_some_and(|(_, hash)| hash.find('_') == Some(hash.len() - 1))
    } else {
        path == "_ZN"
    };
    is_first && path.len() < before.len()
}

/// Static variables of jemalloc 5.3.1 that lead to its records, in prof_data.c, ctl.c and arena.c. Some linkers list them
/// apart from the other symbols of their file.
const LOCAL_STATICS: &[&str] = &["bt2gctx", "tdatas", "ctl_arenas", "ctl_stats", "arena_pa_central_global"];

/// Whether the linker's name belongs to jemalloc. Its functions and variables have one prefix, which is set when it is
/// built.
fn is_of_allocator(name: &str) -> bool {
    name.starts_with("_rjem_") || name.starts_with("je_")
}

impl NamedObject {
    fn new(loaded: LoadedObject, mappings: &[Mapping], thread_pointer: u64) -> Self {
        let mapping =
            mappings.iter().find(|mapping| mapping.has_file() && loaded.overlaps(mapping.start..mapping.end));
        let below = loaded.thread_locals.as_ref().and_then(|block| thread_pointer.checked_sub(block.start));
        Self {
            mapping: mapping.cloned(),
            below_thread_pointer: below.filter(|bytes| *bytes <= MAX_THREAD_LOCAL_BYTES),
            loaded,
            symbols: OnceCell::new(),
        }
    }
}

fn is_in(ranges: &[Range<u64>], address: u64) -> bool {
    let after = ranges.partition_point(|range| range.start <= address);
    after > 0 && address < ranges[after - 1].end
}

impl Symbols for Names {
    fn static_at(&self, address: Hidden) -> Option<String> {
        let (symbols, linked) = self.linked(address.address(), |object| &object.writable)?;
        symbols.static_at(linked)
    }

    fn thread_local_at(&self, address: Hidden) -> Option<String> {
        let address = address.address();
        let at = self.thread_pointers.partition_point(|pointer| *pointer <= address);
        let below = self.thread_pointers.get(at)? - address;
        self.objects.iter().find_map(|object| {
            let block = object.loaded.thread_locals.as_ref()?;
            let offset = object.below_thread_pointer?.checked_sub(below)?;
            (offset < block.end - block.start).then_some(())?;
            self.symbols_of(object).ok()?.thread_local_at(offset)
        })
    }

    fn function_at(&self, address: Hidden) -> Option<String> {
        let (symbols, linked) = self.linked(address.address(), |object| &object.code)?;
        symbols.function_at(linked)
    }

    fn instances_at(&self, addresses: &[Hidden]) -> Vec<Option<String>> {
        let starts: Vec<u64> = addresses.iter().map(|address| address.address()).collect();
        let instances = self.symbolizer.borrow_mut().instances(&self.mappings, &starts, &self.files);
        let with_path = |(address, instance): (&Hidden, Option<String>)| {
            let symbol = self.function_at(*address)?;
            Some(instance.and_then(|instance| path_of_instance(&symbol, &instance)).unwrap_or(symbol))
        };
        addresses.iter().zip(instances).map(with_path).collect()
    }

    /// Cargo names a program after its crate.
    fn program_crate(&self) -> Option<String> {
        let file = self.objects.first()?.mapping.as_ref()?.path.file_name()?;
        Some(file.to_str()?.replace('-', "_"))
    }

    fn is_program(&self, address: Hidden) -> bool {
        is_in(&self.known, address.address())
    }

    fn is_constant(&self, address: Hidden) -> bool {
        is_in(&self.constants, address.address())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::AtomicU64;

    use super::super::control_blocks::own_thread_pointer;
    use super::*;

    static STATIC_OF_TEST: AtomicU64 = AtomicU64::new(1);

    thread_local! {
        static LOCAL_OF_TEST: Cell<u64> = const { Cell::new(1) };
    }

    #[test]
    fn variables_of_this_program_have_their_names_on_each_thread() {
        let mut names = Names::read(Path::new("/proc"), own_thread_pointer()).unwrap();
        let address = Hidden::new((&raw const STATIC_OF_TEST) as u64);
        let module = module_path!();
        assert_eq!(names.static_at(address), Some(format!("{module}::STATIC_OF_TEST")));
        assert!(names.is_program(address) && !names.is_constant(address));
        let ask = || (own_thread_pointer(), LOCAL_OF_TEST.with(|local| local.as_ptr() as u64));
        let (own, other) = (ask(), std::thread::spawn(ask).join().unwrap());
        names.set_thread_pointers(vec![own.0, other.0]);
        for (_, local) in [own, other] {
            let found = names.thread_local_at(Hidden::new(local));
            assert_eq!(found, Some(format!("{module}::LOCAL_OF_TEST")));
        }
        assert_eq!(names.thread_local_at(Hidden::new(u64::MAX)), None);
        assert_eq!(names.thread_local_at(Hidden::new(8)), None);
    }

    /// Line tables name only functions into which others are inlined.
    #[inline(always)]
    fn inlined<T: Default>() -> T {
        std::hint::black_box(T::default())
    }

    #[inline(never)]
    fn generic_of_test<T: Default>() -> T {
        inlined()
    }

    #[test]
    fn instances_have_a_path_and_arguments_under_any_mangling() {
        let names = Names::read(Path::new("/proc"), own_thread_pointer()).unwrap();
        let functions = [generic_of_test::<u16> as *const (), generic_of_test::<Vec<i8>> as *const ()];
        let addresses = functions.map(|function| Hidden::new(function as u64));
        let module = module_path!();
        let instances = names.instances_at(&[addresses[0], addresses[1], Hidden::new(8)]);
        let generic = |arguments: &str| {
            // v0 writes the turbofish.
            [
                format!("{module}::generic_of_test<{arguments}>"),
                format!("{module}::generic_of_test::<{arguments}>"),
            ]
        };
        let [Some(one), Some(other), None] = &instances[..] else { panic!("{instances:?}") };
        assert!(generic("u16").contains(one), "{instances:?}");
        assert!(
            other.starts_with(&format!("{module}::generic_of_test")) && other.contains("Vec<i8"),
            "{instances:?}"
        );
    }

    /// The folder of each crate is listed in `Cargo.toml` of the workspace.
    #[test]
    fn all_crates_of_the_workspace_have_the_prefix() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut crates = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let Ok(manifest) = std::fs::read_to_string(entry.unwrap().path().join("Cargo.toml")) else {
                continue;
            };
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")).unwrap();
            assert!(name.replace('-', "_").starts_with(CRATES), "{name}");
            crates += 1;
        }
        assert!(crates > 10, "{crates}");
    }

    #[test]
    fn variables_of_this_library_are_told_from_other_variables() {
        for (name, expected) in [
            ("_ZN17memory_debug_core7process5start10read_start5START17h0123456789abcdefE", true),
            ("_RNvNvNtNtCs5f3kXq_17memory_debug_core7process5start10read_start5START", true),
            ("_RNvC17memory_debug_core5START", true),
            ("_ZN4shop17memory_debug_core5START17h0123456789abcdefE", false),
            ("_RNvNtCs5f3kXq_4shop17memory_debug_core5START", false),
            ("_RNvNtCs5f3kXq_8my_crate17memory_debug_core5START", false),
            ("_ZN12memory_debug5START17h0123456789abcdefE", false),
            ("memory_debug_core", false),
            ("_rjem_je_opt", false),
            ("", false),
        ] {
            assert_eq!(is_of_library(name), expected, "{name}");
        }
        let names = Names::read(Path::new("/proc"), own_thread_pointer()).unwrap();
        let found = names.of_library().unwrap();
        let address = (&raw const STATIC_OF_TEST) as u64;
        assert!(found.statics.iter().any(|range| range.contains(&address)));
        let below = own_thread_pointer() - LOCAL_OF_TEST.with(|local| local.as_ptr() as u64);
        assert!(found.below_thread_pointer.iter().any(|range| range.start >= below && range.end < below));
    }

    #[test]
    fn an_instance_takes_the_path_of_its_own_symbol_only() {
        let path = |symbol, instance| path_of_instance(symbol, instance);
        assert_eq!(path("a::b::poll", "poll<a::Mail, S>").as_deref(), Some("a::b::poll<a::Mail, S>"));
        assert_eq!(path("poll", "poll<S>").as_deref(), Some("poll<S>"));
        assert_eq!(path("a::unpoll", "poll<S>"), None);
        assert_eq!(path("a::poll", "poll"), None);
        assert_eq!(path("a::poll", "drop<S>"), None);
        assert_eq!(path("a::poll", ""), None);
    }

    #[test]
    fn functions_and_vtables_are_in_the_program() {
        let names = Names::read(Path::new("/proc"), own_thread_pointer()).unwrap();
        let function = Hidden::new(is_of_allocator as *const () as u64);
        let expected = format!("{}::is_of_allocator", module_path!().trim_end_matches("::tests"));
        assert_eq!(names.function_at(function), Some(expected));
        assert!(names.is_program(function) && !names.is_constant(function));
        assert!(names.is_constant(Hidden::new("constant".as_ptr() as u64)));
        let on_stack = 5;
        assert!(!names.is_program(Hidden::new((&raw const on_stack) as u64)));
    }
}
