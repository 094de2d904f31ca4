//! The files that this process's code was loaded from.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use memory_debug_profile::{BuildId, FileData, LoadObject, Mapping};

use crate::mapped::MappedFile;

/// Opens the files of this process: the files that were mapped, not files that have since taken their names.
#[derive(Debug)]
pub(crate) struct OwnFiles {
    /// The executable according to the kernel. It is the dynamic linker if the linker started the program.
    executable: Option<PathBuf>,
}

/// A path that may lead to the file of a mapping.
struct Candidate {
    path: PathBuf,
    /// Whether a file at this path is the mapped file without further checks.
    is_certain: bool,
}

impl OwnFiles {
    pub(crate) fn new() -> Self {
        Self { executable: fs::read_link(EXECUTABLE).ok() }
    }

    /// The paths that may lead to a mapped file, best first.
    fn candidates(&self, mapping: &Mapping) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut add = |path: PathBuf, is_certain| candidates.push(Candidate { path, is_certain });
        let spellings = spellings(mapping);
        // The kernel keeps the executable reachable, even after a deployment replaced or deleted it, and in a
        // chroot.
        let is_executable = self.executable.as_ref().is_some_and(|executable| spellings.contains(executable));
        if is_executable || mapping.is_program {
            for link in [EXECUTABLE, "/proc/thread-self/exe"] {
                add(link.into(), is_executable);
            }
        }
        // Without the mark of a deleted file, the file is at its path. With the mark, another file may be there,
        // or the mark is a part of the name.
        if !mapping.is_deleted {
            add(mapping.path.clone(), true);
        }
        for spelling in spellings {
            add(spelling, false);
        }
        // The inode of a deleted file may be given to another file, so only the build-id identifies a deleted
        // file.
        if mapping.build_id.is_some() {
            add(mapping.path.clone(), false);
        }
        // Only privileged processes can open this path.
        add(format!("/proc/self/map_files/{:x}-{:x}", mapping.start, mapping.end).into(), true);
        candidates
    }
}

const EXECUTABLE: &str = "/proc/self/exe";

/// The paths that the kernel may have meant. The kernel marks the path of a deleted file, and a name may end in
/// that mark. The kernel writes a line break as `\012`, and a name may contain these characters.
fn spellings(mapping: &Mapping) -> Vec<PathBuf> {
    let mut path: OsString = mapping.path.clone().into();
    if mapping.is_deleted {
        path.push(" (deleted)");
    }
    let escaped = escaped(&path);
    [Some(path), escaped].into_iter().flatten().map(PathBuf::from).collect()
}

#[cfg(unix)]
fn escaped(path: &OsString) -> Option<OsString> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    let bytes = path.as_bytes();
    let escape = |byte: &u8| if *byte == b'\n' { b"\\012".to_vec() } else { vec![*byte] };
    bytes.contains(&b'\n').then(|| OsString::from_vec(bytes.iter().flat_map(escape).collect()))
}

#[cfg(not(unix))]
fn escaped(_path: &OsString) -> Option<OsString> {
    None
}

impl Candidate {
    /// Opens the file if it is the mapped file, that is, if it has the build-id that the code has in memory. For code
    /// without a build-id, the inode decides. The device number does not count, because overlay file systems report
    /// different numbers.
    fn open(&self, mapping: &Mapping) -> io::Result<FileData> {
        let file = MappedFile::open(&self.path)?;
        let is_same = match &mapping.build_id {
            Some(id) => BuildId::read(&file).is_ok_and(|found| found.as_ref() == Some(id)),
            None => self.is_certain || inode_of(&self.path).is_some_and(|inode| inode == mapping.inode),
        };
        if is_same { Ok(Box::new(file)) } else { Err(io::Error::new(io::ErrorKind::NotFound, REPLACED)) }
    }
}

const REPLACED: &str = "it was replaced since it was loaded";
const DELETED: &str = "it was deleted or replaced since it was loaded";
const NOT_THERE: &str = "it is no longer at its path, or it is outside of this chroot or mount namespace";

#[cfg(unix)]
fn inode_of(path: &Path) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).ok()?))
}

#[cfg(not(unix))]
fn inode_of(_path: &Path) -> Option<u64> {
    None
}

impl LoadObject for OwnFiles {
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        let mut refused = None;
        let mut is_replaced = false;
        for candidate in self.candidates(mapping) {
            match candidate.open(mapping) {
                Ok(file) => return Ok(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    is_replaced |= error.get_ref().is_some();
                }
                // The last path is closed to most processes, so its error says nothing.
                Err(error) if !candidate.path.starts_with("/proc/self/map_files") => {
                    refused.get_or_insert(error);
                }
                Err(_) => {}
            }
        }
        let reason = if mapping.is_deleted {
            DELETED
        } else if is_replaced {
            REPLACED
        } else {
            NOT_THERE
        };
        Err(refused.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, reason)))
    }

    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
        Ok(Box::new(MappedFile::open(path)?))
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::maps;
    use crate::process::Tree;

    fn mapping(path: &[u8], inode: u64) -> Mapping {
        let line =
            [b"1000-2000 r-xp 00000000 00:00 ", inode.to_string().as_bytes(), b" ", path, b"\n"].concat();
        Mapping::read_all(&line[..]).unwrap().remove(0)
    }

    fn inode(path: &Path) -> u64 {
        fs::metadata(path).unwrap().ino()
    }

    fn nothing() -> OwnFiles {
        OwnFiles { executable: None }
    }

    fn error(files: &OwnFiles, mapping: &Mapping) -> String {
        files.load(mapping).err().unwrap().to_string()
    }

    fn program() -> Mapping {
        maps::read(Path::new("/proc")).unwrap().into_iter().find(|mapping| mapping.is_program).unwrap()
    }

    /// Moves a mapping to an address where the kernel has none, so that only the path leads to the file.
    fn elsewhere(mut mapping: Mapping) -> Mapping {
        mapping.start = 1;
        mapping
    }

    #[test]
    fn does_not_read_a_library_that_was_replaced() {
        let tree = Tree::new([("plugin.so", "another")]);
        let path = tree.path().join("plugin.so (deleted)").into_os_string().into_vec();
        assert_eq!(error(&nothing(), &mapping(&path, 9)), DELETED);
        // The kernel does not show that a file was overwritten in place.
        let mut overwritten = elsewhere(program());
        (overwritten.path, overwritten.is_program) = (tree.path().join("plugin.so"), false);
        assert_eq!(error(&nothing(), &overwritten), REPLACED);
    }

    #[test]
    fn a_file_outside_of_this_chroot_is_not_reported_as_deleted() {
        assert_eq!(error(&nothing(), &mapping(b"/nonexistent/lib.so", 9)), NOT_THERE);
    }

    #[test]
    fn the_same_build_put_back_in_place_is_read() {
        let mut deleted = elsewhere(program());
        (deleted.is_deleted, deleted.is_program) = (true, false);
        assert!(nothing().load(&deleted).unwrap().starts_with(b"\x7fELF"));
        deleted.build_id = None;
        assert_eq!(error(&nothing(), &deleted), DELETED, "nothing shows that it is the same file");
    }

    #[test]
    fn the_executable_is_read_through_the_kernel_even_when_deleted() {
        let files = OwnFiles { executable: Some("/srv/app (deleted)".into()) };
        let own = files.load(&mapping(b"/srv/app (deleted)", 9)).unwrap();
        assert!(own.starts_with(b"\x7fELF"));
    }

    #[test]
    fn the_linker_that_started_the_program_is_not_mistaken_for_it() {
        let linker = OwnFiles { executable: Some("/lib64/ld-linux-x86-64.so.2".into()) };
        let candidates = linker.candidates(&program());
        assert!(
            candidates
                .iter()
                .filter(|candidate| candidate.path == Path::new(EXECUTABLE))
                .all(|exe| !exe.is_certain)
        );
        let library = linker.candidates(&mapping(b"/srv/plugin.so", 9));
        assert!(!library.iter().any(|candidate| candidate.path == Path::new(EXECUTABLE)));
    }

    #[test]
    fn names_that_the_kernel_writes_ambiguously_lead_to_their_files() {
        let tree = Tree::new([]);
        for (name, text) in [
            (&b"caf\xe9"[..], &b"caf\xe9"[..]),
            (b"a\nb", b"a\\012b"),
            (b"a\\012b", b"a\\012b"),
            (b"plugin.so (deleted)", b"plugin.so (deleted)"),
            (b"a\\012b (deleted)", b"a\\012b (deleted)"),
            (b" blanks ", b" blanks "),
        ] {
            let path = tree.path().join(PathBuf::from(OsString::from_vec(name.to_vec())));
            fs::write(&path, name).unwrap();
            let text = [tree.path().as_os_str().as_encoded_bytes(), b"/", text].concat();
            let mapping = mapping(&text, inode(&path));
            assert_eq!(&**nothing().load(&mapping).unwrap(), name, "{}", path.display());
            fs::remove_file(&path).unwrap();
            assert!(nothing().load(&mapping).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn an_unreadable_file_is_an_error_that_says_so() {
        let tree = Tree::new([("folder/file", "")]);
        let folder = tree.path().join("folder").into_os_string().into_vec();
        assert_eq!(error(&nothing(), &mapping(&folder, 9)), "it is a folder, not a regular file");
    }
}
