//! The names of variables and functions in the symbol table of one file.

use std::io;
use std::ops::Range;

use object::{Object, ObjectSymbol, SymbolKind};

use super::debug_file;
use super::elf::ElfFile;
use super::files::{FileData, LoadObject};
use crate::mapping::Mapping;

/// The names of variables and functions in the symbol table of a program or library.
///
/// Addresses are link-time addresses: the address in memory minus the address at which the file was loaded. Names stay in
/// the file until they are asked for, so the table takes 24 bytes for each variable and 16 for each function.
pub struct SymbolNames {
    data: FileData,
    statics: Vec<Variable>,
    thread_locals: Vec<Variable>,
    /// Where each function begins, and where its name is in the file.
    functions: Vec<(u64, u64)>,
}

/// A variable: where it is, its size, and where its name is in the file.
struct Variable {
    start: u64,
    bytes: u64,
    name: u64,
}

/// Bound on the symbols of one file. The largest programs have some two million.
const MAX_SYMBOLS: usize = 1 << 23;

impl SymbolNames {
    /// Reads the symbol table of the file of `mapping`. If `strip` removed the table, reads the debug file of the same
    /// build instead.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or neither has a symbol table. The message says so and what to do.
    pub fn read(mapping: &Mapping, files: &dyn LoadObject) -> Result<Self, String> {
        let data = files.load(mapping).map_err(|error| unread(&error))?;
        let elf = ElfFile::parse(&data).map_err(|error| format!("the file could not be read: {error}"))?;
        if elf.has_symbol_table() {
            return Ok(Self::of(data));
        }
        // Only a debug file of the same build is used.
        let (debug, _) = debug_file::load(&elf, mapping, files);
        let has_symbols = |data: &FileData| ElfFile::parse(data).is_ok_and(|elf| elf.has_symbol_table());
        match debug.filter(|(_, data)| has_symbols(data)) {
            Some((_, data)) => Ok(Self::of(data)),
            None => Err(STRIPPED.to_owned()),
        }
    }

    fn of(data: FileData) -> Self {
        let mut names = Self { data, statics: Vec::new(), thread_locals: Vec::new(), functions: Vec::new() };
        names.fill();
        names
    }

    fn fill(&mut self) {
        let Ok(elf) = object::File::parse(&**self.data) else { return };
        let begin = self.data.as_ptr().addr();
        for symbol in elf.symbols().take(MAX_SYMBOLS).filter(|symbol| !symbol.is_undefined()) {
            let Ok(text) = symbol.name_bytes() else { continue };
            let Some(name) = text.as_ptr().addr().checked_sub(begin) else { continue };
            let (start, bytes, name) = (symbol.address(), symbol.size(), name as u64);
            match symbol.kind() {
                SymbolKind::Data if bytes > 0 => self.statics.push(Variable { start, bytes, name }),
                SymbolKind::Tls if bytes > 0 => self.thread_locals.push(Variable { start, bytes, name }),
                SymbolKind::Text => self.functions.push((start, name)),
                _ => {}
            }
        }
        self.statics.sort_unstable_by_key(|variable| variable.start);
        self.thread_locals.sort_unstable_by_key(|variable| variable.start);
        self.functions.sort_unstable();
        self.functions.dedup_by_key(|(start, _)| *start);
        self.statics.shrink_to_fit();
        self.functions.shrink_to_fit();
    }

    /// The static variable at a link-time address, as readable text: `shop::SESSIONS`.
    pub fn static_at(&self, address: u64) -> Option<String> {
        self.variable_at(&self.statics, address).map(readable)
    }

    /// The thread-local variable at an offset in the file's block of thread-local memory: `shop::CACHE`.
    pub fn thread_local_at(&self, offset: u64) -> Option<String> {
        self.variable_at(&self.thread_locals, offset).map(readable)
    }

    /// The function that begins at a link-time address, as readable text with its generic arguments, as far as the symbol
    /// has them.
    pub fn function_at(&self, address: u64) -> Option<String> {
        let at = self.functions.binary_search_by_key(&address, |(start, _)| *start).ok()?;
        self.name(self.functions[at].1).map(readable)
    }

    /// The link-time ranges of the static variables whose mangled names are `wanted`, in ascending order.
    pub fn statics_named(&self, wanted: impl Fn(&str) -> bool) -> Vec<Range<u64>> {
        self.ranges(&self.statics, wanted)
    }

    /// The link-time ranges of all local static variables of the source files that also have a local symbol whose mangled
    /// name is `wanted`. In C, the name of a `static` variable has no prefix that tells to which library it belongs.
    ///
    /// Reads the table again, because the names of source files are needed only here.
    pub fn statics_beside(&self, wanted: impl Fn(&str) -> bool) -> Vec<Range<u64>> {
        let Ok(elf) = object::File::parse(&**self.data) else { return Vec::new() };
        let (mut found, mut file, mut is_wanted) = (Vec::new(), Vec::new(), false);
        for symbol in elf.symbols().take(MAX_SYMBOLS) {
            // A symbol with the name of a source file comes before the local symbols of that file (ELF gABI, "Symbol
            // Table", `STT_FILE`). Symbols that other files can see follow all local ones.
            if symbol.kind() == SymbolKind::File || !symbol.is_local() {
                let of_file = std::mem::take(&mut file);
                if std::mem::take(&mut is_wanted) {
                    found.extend(of_file);
                }
                continue;
            }
            let Some(name) = symbol.name().ok().filter(|name| rustc_demangle::try_demangle(name).is_err())
            else {
                continue;
            };
            is_wanted |= wanted(name);
            if symbol.kind() == SymbolKind::Data && symbol.size() > 0 {
                file.push(symbol.address()..symbol.address().saturating_add(symbol.size()));
            }
        }
        if is_wanted {
            found.extend(file);
        }
        found.sort_unstable_by_key(|range| range.start);
        found
    }

    /// The ranges of the thread-local variables whose mangled names are `wanted`, as offsets in the file's block of
    /// thread-local memory, in ascending order.
    pub fn thread_locals_named(&self, wanted: impl Fn(&str) -> bool) -> Vec<Range<u64>> {
        self.ranges(&self.thread_locals, wanted)
    }

    fn ranges(&self, variables: &[Variable], wanted: impl Fn(&str) -> bool) -> Vec<Range<u64>> {
        let named = variables.iter().filter(|variable| self.name(variable.name).is_some_and(&wanted));
        named.map(|variable| variable.start..variable.start.saturating_add(variable.bytes)).collect()
    }

    fn variable_at(&self, variables: &[Variable], address: u64) -> Option<&str> {
        let after = variables.partition_point(|variable| variable.start <= address);
        // Few symbols overlap: an alias of a variable, or a variable inside of another.
        let near = variables[..after].iter().rev().take(4);
        let found = near.into_iter().find(|variable| address - variable.start < variable.bytes)?;
        self.name(found.name)
    }

    /// The name that begins at an offset of the file.
    fn name(&self, at: u64) -> Option<&str> {
        let rest = self.data.get(usize::try_from(at).ok()?..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok().filter(|name| !name.is_empty())
    }
}

const STRIPPED: &str = "it has no symbol table, because it was stripped; keep the symbol table \
                        (`strip = \"debuginfo\"` or `\"none\"` in the profile of Cargo.toml), or install the debug file \
                        of the same build";

fn unread(error: &io::Error) -> String {
    format!("the file could not be read: {error}")
}

/// Shows a mangled name. The standard library keeps a thread-local variable in a static inside of a closure; the path
/// of the variable itself is what people wrote.
fn readable(mangled: &str) -> String {
    let mut name = format!("{:#}", rustc_demangle::demangle(mangled));
    let storage = ["::VAL", "::__KEY", "::__RUST_STD_INTERNAL_VAL"];
    if let Some(variable) = storage.iter().find_map(|end| name.strip_suffix(end)) {
        name.truncate(without_blocks(variable).len());
    }
    name
}

/// A path without the closures and constants at its end: `{{closure}}`, or `{closure#0}` and `{K#0}` under the mangling v0. Does
/// not change a path that has none.
fn without_blocks(path: &str) -> &str {
    match path.rsplit_once("::") {
        Some((outer, block)) if block.starts_with('{') => without_blocks(outer),
        _ => path,
    }
}

/// The symbols are numbers and the names are in the file; neither helps in a log.
impl std::fmt::Debug for SymbolNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SymbolNames")
            .field("statics", &self.statics.len())
            .field("thread_locals", &self.thread_locals.len())
            .field("functions", &self.functions.len())
            .finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    static NAMED_BY_THE_TEST: AtomicU64 = AtomicU64::new(1);

    thread_local! {
        static LOCAL_OF_THE_TEST: Cell<u64> = const { Cell::new(1) };
    }

    fn names_in(path: &str) -> Result<SymbolNames, String> {
        let files = |_: &Mapping| Ok(Box::new(std::fs::read(path)?) as FileData);
        let maps = std::fs::read("/proc/self/maps").unwrap();
        SymbolNames::read(&Mapping::read_all(&maps[..]).unwrap()[0], &files)
    }

    #[test]
    fn statics_thread_locals_and_functions_have_the_names_of_the_source() {
        NAMED_BY_THE_TEST.fetch_add(1, Ordering::Relaxed);
        LOCAL_OF_THE_TEST.set(2);
        let names = names_in("/proc/self/exe").unwrap();
        let [place] = &names.statics_named(|name| name.contains("NAMED_BY_THE_TEST"))[..] else {
            panic!("one static")
        };
        // AddressSanitizer puts space behind each static.
        assert!(place.end - place.start >= 8, "{place:?}");
        let module = module_path!();
        let expected = format!("{module}::NAMED_BY_THE_TEST");
        assert_eq!(names.static_at(place.start + 7).as_deref(), Some(&*expected));
        assert_ne!(names.static_at(place.end).as_deref(), Some(&*expected));
        let local = names.thread_locals_named(|name| name.contains("LOCAL_OF_THE_TEST"));
        let expected = format!("{module}::LOCAL_OF_THE_TEST");
        assert_eq!(names.thread_local_at(local[0].start).as_deref(), Some(&*expected));
        let function = names.functions.iter().find_map(|(start, _)| {
            names.function_at(*start).filter(|name| name.ends_with("symbol_names::readable"))
        });
        assert!(function.is_some(), "{names:?}");
    }

    #[test]
    fn a_thread_local_has_the_name_of_its_source_under_both_manglings() {
        for name in [
            "shop::CACHE::{{constant}}::{{closure}}::VAL",
            "shop::CACHE::{K#0}::{closure#1}::VAL",
            "shop::CACHE::{closure#0}::__RUST_STD_INTERNAL_VAL",
            "shop::CACHE::__KEY",
        ] {
            assert_eq!(readable(name), "shop::CACHE", "{name}");
        }
        assert_eq!(
            readable("shop::run::{closure#0}::CACHE::{closure#0}::VAL"),
            "shop::run::{closure#0}::CACHE"
        );
        assert_eq!(readable("shop::run::{closure#0}::COUNT"), "shop::run::{closure#0}::COUNT");
    }

    #[test]
    fn static_variables_of_c_are_found_by_the_other_symbols_of_their_file() {
        let folder = std::env::temp_dir().join(format!("memory-debug-beside-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write(
            "ours.c",
            "static long table = 5; __attribute__((visibility(\"hidden\"))) long lib_count = 1; long *lib_get(void) { return &table + lib_count; }",
        );
        write(
            "other.c",
            "static long table_of_others = 6; extern long *lib_get(void); int main(void) { return (int)(*lib_get() + table_of_others++); }",
        );
        let compile = |file: &str| {
            let mut compiler = std::process::Command::new("cc");
            compiler.current_dir(&folder).args(["-O0", "-c", file]);
            assert!(compiler.status().unwrap().success());
        };
        compile("ours.c");
        compile("other.c");
        let mut linker = std::process::Command::new("cc");
        // As in an archive of a library, whose own symbols no other file can see after it is linked.
        linker.current_dir(&folder).args(["ours.o", "other.o", "-o", "program"]);
        assert!(linker.status().unwrap().success());
        let names = names_in(folder.join("program").to_str().unwrap()).unwrap();
        let place = |name: &str| names.statics_named(|other| other == name)[0].clone();
        let beside_others = names.statics_beside(|name| name == "table_of_others");
        assert_eq!(beside_others, [place("table_of_others")]);
        assert_eq!(names.statics_beside(|name| name == "table").first(), Some(&place("table")));
        assert_eq!(names.statics_beside(|_| false), []);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_stripped_file_is_refused_with_what_to_do() {
        let path = std::env::temp_dir().join(format!("memory-debug-stripped-{}", std::process::id()));
        let own = std::env::current_exe().unwrap();
        let mut strip = std::process::Command::new("strip");
        assert!(strip.args(["--strip-all", "-o"]).arg(&path).arg(own).status().unwrap().success());
        let error = names_in(path.to_str().unwrap()).unwrap_err();
        std::fs::remove_file(path).unwrap();
        assert!(error.starts_with("it has no symbol table, because it was stripped; keep"), "{error}");
        let error = names_in("/nonexistent").unwrap_err();
        assert!(error.starts_with("the file could not be read: "), "{error}");
    }
}
