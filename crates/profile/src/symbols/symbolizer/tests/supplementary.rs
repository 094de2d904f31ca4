//! Tests of debug information that `dwz` moved in part to a file shared by several files.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use object::{Object, ObjectSymbol};

use super::program::frames;
use crate::symbols::elf::{ElfFile, SupplementaryLink};
use crate::symbols::{FileData, LoadObject, SymbolTier};
use crate::{BuildId, HeapProfile, Mapping};

const LIBRARY: &[u8] = include_bytes!("../../../../data/supplementary/fixture.so");
const COMMON: &[u8] = include_bytes!("../../../../data/supplementary/common.debug");

/// The library at `/srv/lib/fixture.so`, and one file at a given path.
struct Files {
    at: Option<(PathBuf, &'static [u8])>,
    asked: RefCell<Vec<PathBuf>>,
}

impl Files {
    fn with(path: &str, data: &'static [u8]) -> Self {
        Self { at: Some((path.into(), data)), asked: RefCell::default() }
    }
}

impl LoadObject for Files {
    fn load(&self, _: &Mapping) -> io::Result<FileData> {
        Ok(Box::new(LIBRARY))
    }

    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
        self.asked.borrow_mut().push(path.to_owned());
        match &self.at {
            Some((known, data)) if known == path => Ok(Box::new(*data)),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// A profile with one stack for each byte of the function `fill`.
fn profile() -> HeapProfile {
    let elf = object::File::parse(LIBRARY).unwrap();
    let fill = elf.symbols().find(|symbol| symbol.name() == Ok("fill")).unwrap();
    let mut dump = String::from("heap_v2/1\n  t*: 1: 8 [0: 0]\n");
    let parsed = ElfFile::parse(LIBRARY).unwrap();
    for offset in (0..LIBRARY.len() as u64).filter(|offset| {
        let address = parsed.address_at(*offset);
        address.is_some_and(|address| (fill.address()..fill.address() + fill.size()).contains(&address))
    }) {
        writeln!(dump, "@ {:#x}\n  t*: 1: 8 [0: 0]", (1_u64 << 32) + offset + 1).unwrap();
    }
    dump += "\nMAPPED_LIBRARIES:\n100000000-200000000 r-xp 0 fe:00 9 /srv/lib/fixture.so\n";
    HeapProfile::parse(dump.as_bytes()).unwrap()
}

#[test]
fn reads_names_from_the_linked_file() {
    let by_id = BuildId::read(COMMON).unwrap().unwrap().to_string();
    let by_id = format!("/usr/lib/debug/.build-id/{}/{}.debug", &by_id[..2], &by_id[2..]);
    for path in [
        by_id.as_str(),
        "/srv/lib/.dwz/common.debug",
        "/usr/lib/debug/.dwz/common.debug",
        "/srv/lib/common.debug",
    ] {
        let (frames, symbolizer) = frames(&profile(), &Files::with(path, COMMON));
        assert_eq!((symbolizer.tier(), symbolizer.gaps()), (SymbolTier::Inlined, Vec::new()), "{path}");
        let of = |name: &str| {
            frames.iter().filter(|frames| frames.iter().any(|frame| frame.0.as_deref() == Some(name))).count()
        };
        assert_eq!(of("fill"), frames.len(), "{path}: the function itself");
        assert!(
            of("push<fixture::Session, 4>") > 10,
            "{path}: what was inlined, with its argument: {frames:?}"
        );
        let is_nameless = |frame: &(Option<String>, _, _)| frame.0.is_none();
        assert!(!frames.iter().flatten().any(is_nameless), "{path}: {frames:?}");
    }
}

#[test]
fn missing_file_leaves_the_symbol_and_a_gap() {
    let id = BuildId::read(COMMON).unwrap().unwrap();
    let nowhere = Files { at: None, asked: RefCell::default() };
    // The library itself is another build.
    for files in [nowhere, Files::with("/srv/lib/.dwz/common.debug", LIBRARY)] {
        let (frames, symbolizer) = frames(&profile(), &files);
        let [gap] = &symbolizer.gaps()[..] else { panic!("{:?}", symbolizer.gaps()) };
        assert!(gap.is_program && gap.reason.contains(&format!("`common.debug` (build-id {id})")), "{gap}");
        assert!(gap.advice.contains("/usr/lib/debug/.build-id/"), "{gap}");
        assert_eq!(files.asked.borrow().len(), 4);
        assert!(
            frames.iter().all(|frames| frames.iter().all(|frame| frame.0.as_deref() == Some("fill"))),
            "{frames:?}"
        );
    }
}

#[test]
fn damaged_supplementary_files_never_panic() {
    // `Files` wants memory that lives for ever. LeakSanitizer reports what nothing points to.
    static LEAKED: Mutex<Vec<&[u8]>> = Mutex::new(Vec::new());
    let id = BuildId::read(COMMON).unwrap();
    let mut used = 0;
    for round in 0..60_usize {
        let mut data = COMMON.to_vec();
        for at in (0x200 + round * 7..data.len()).step_by(61 + round * 5) {
            data[at] = data[at].wrapping_mul(31).wrapping_add((round * 17 + 1) as u8);
        }
        used += usize::from(BuildId::read(&data).is_ok_and(|found| found == id));
        let data: &[u8] = data.leak();
        LEAKED.lock().unwrap().push(data);
        let _ = frames(&profile(), &Files::with("/srv/lib/common.debug", data));
    }
    assert!(used > 20, "only files with the right build-id are read: {used} of 60");
}

#[test]
fn reads_both_kinds_of_links() {
    let link = ElfFile::parse(LIBRARY).unwrap().supplementary().unwrap();
    let build_id = BuildId::read(COMMON).unwrap().unwrap();
    assert_eq!(link, SupplementaryLink { path: b".dwz/common.debug", build_id });
}
