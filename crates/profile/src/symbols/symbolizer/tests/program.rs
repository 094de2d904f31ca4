//! A small program, built and deployed in different ways.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSegment, ObjectSymbol};

use crate::symbols::{FileData, LoadObject, Symbolizer};
use crate::{HeapProfile, Mapping};

/// Two modules, so that the compiler makes several units, with generic functions, inlined and not.
const SOURCE: &str = r#"
mod store {
    #[derive(Debug)]
    pub struct Session { pub id: u64, pub name: String }

    #[inline(never)]
    pub fn fill(count: u64) -> Vec<Session> {
        let mut sessions = Vec::new();
        for id in 0..count { sessions.push(Session { id, name: format!("s{id}") }); }
        sessions
    }
}
mod show {
    use std::fmt::Debug;

    #[inline(never)]
    pub fn lengths<T: Debug>(values: &[T]) -> Vec<usize> {
        values.iter().map(|value| format!("{value:?}").len()).collect()
    }
}
fn main() {
    let lengths = show::lengths(&store::fill(std::env::args().count() as u64));
    std::process::exit(lengths.iter().sum::<usize>() as i32 & 1);
}
"#;

/// Crate name of the program. The symbols of its functions contain it.
const NAME: &str = "deployed_program";

/// The program in its own folder, which is removed at the end.
pub(super) struct Program {
    pub(super) folder: PathBuf,
}

/// Names, source files and lines of an address's frames, innermost first.
pub(super) type Frames = Vec<(Option<String>, Option<String>, u32)>;

impl Program {
    /// Builds the program with `rustc options`, optimised.
    pub(super) fn build(test: &str, options: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("memory-debug-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = Self { folder };
        fs::write(program.folder.join("program.rs"), SOURCE).unwrap();
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let fixed = ["--edition=2021", "--crate-name", NAME, "-Copt-level=2", "-Ccodegen-units=4"];
        program.run(
            Command::new(rustc).args(fixed).args(["-Clink-arg=-Wl,--build-id", "program.rs"]).args(options),
        );
        program
    }

    /// Runs a tool in the program's folder.
    pub(super) fn run(&self, command: &mut Command) {
        let output = command.current_dir(&self.folder).output();
        let output = output.unwrap_or_else(|error| panic!("{command:?} is needed for this test: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs `objcopy` from the package binutils.
    pub(super) fn objcopy(&self, arguments: &[&str]) {
        self.run(Command::new("objcopy").args(arguments));
    }

    pub(super) fn executable(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// The name of the executable with another ending.
    pub(super) fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{NAME}{ending}"))
    }

    /// Files of the folder with this ending.
    pub(super) fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_str().unwrap().ends_with(ending)).collect()
    }

    /// A profile with one stack for each byte of the program's own functions.
    pub(super) fn profile(&self) -> HeapProfile {
        let data = fs::read(self.executable()).unwrap();
        let elf = object::File::parse(&*data).unwrap();
        let offset = |address: u64| {
            elf.segments().find_map(|segment| {
                let within = address.checked_sub(segment.address()).filter(|at| *at < segment.size())?;
                Some(segment.file_range().0 + within)
            })
        };
        let mut dump = String::from("heap_v2/1\n  t*: 1: 8 [0: 0]\n");
        for symbol in elf.symbols().filter(|symbol| symbol.name().unwrap().contains(NAME)) {
            for address in symbol.address()..symbol.address() + symbol.size() {
                let address = offset(address).unwrap() + 1;
                writeln!(dump, "@ {:#x}\n  t*: 1: 8 [0: 0]", (1_u64 << 32) + address).unwrap();
            }
        }
        let path = self.executable();
        writeln!(dump, "\nMAPPED_LIBRARIES:\n100000000-200000000 r-xp 0 fe:00 9 {}", path.display()).unwrap();
        HeapProfile::parse(dump.as_bytes()).unwrap()
    }

    /// The frames of each stack of [`Self::profile`].
    pub(super) fn frames(&self, profile: &HeapProfile) -> (Vec<Frames>, Symbolizer) {
        frames(profile, &AnyFile)
    }
}

/// The frames of each stack of a profile.
pub(super) fn frames(profile: &HeapProfile, files: &dyn LoadObject) -> (Vec<Frames>, Symbolizer) {
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(profile, files);
    let of = |address: u64| {
        let frames = symbolizer.frames(address).iter().map(|frame| {
            let function = symbolizer.table().function(frame.function);
            let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
            (text(&function.name), text(&function.file), frame.line)
        });
        frames.collect()
    };
    let frames = profile.stacks().map(|stack| of(stack.addresses[0])).collect();
    (frames, symbolizer)
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Reads every file that is asked for.
pub(super) struct AnyFile;

impl LoadObject for AnyFile {
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        self.load_debug_file(&mapping.path)
    }

    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
        Ok(Box::new(fs::read(path)?))
    }
}
