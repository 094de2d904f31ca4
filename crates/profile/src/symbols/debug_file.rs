//! The paths where the debug information of a stripped file can be.
//!
//! The paths are the same as gdb's ("Debugging Information in Separate Files" in its manual). A build-id leads to a
//! file below the global folder. The name in `.gnu_debuglink` leads to files beside the stripped file, in its folder
//! `.debug`, and below the global folder. A supplementary file of `dwz` is where the link says, relative to the debug
//! file, or found by build-id.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::elf::{ElfFile, SupplementaryLink};
use super::files::{FileData, LoadObject};
use super::gap::UnusedDebugFile;
use crate::build_id::BuildId;
use crate::mapping::Mapping;
use crate::path_bytes::{file_name, path_of, with_ending};

/// Where distributions put the debug information of their packages.
const GLOBAL_FOLDER: &str = "/usr/lib/debug";

/// The folder where `dwz` puts the supplementary files of a package.
const SUPPLEMENTARY_FOLDER: &str = ".dwz";

/// Paths to try for the debug information of the file at `path`, most specific first.
pub(crate) fn candidates(elf: &ElfFile<'_>, path: &Path) -> Vec<PathBuf> {
    let by_id = elf.build_id().as_ref().and_then(by_build_id);
    let by_link = elf.debug_link().map(|name| by_debug_link(path, name)).unwrap_or_default();
    by_id.into_iter().chain(by_link).collect()
}

/// Paths to try for the supplementary file that the debug information at `path` refers to.
///
/// Links between folders of a distribution climb (`../../.dwz/app`), and the file with the link may have been found
/// through a symbolic link from a third folder. So the part from `.dwz` on is also looked for in the global folder.
pub(crate) fn supplementary_candidates(link: &SupplementaryLink<'_>, path: &Path) -> Vec<PathBuf> {
    let name = path_of(link.path);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let written = without_parents(&folder.join(&name));
    let behind = name.components().skip_while(|part| part.as_os_str() != SUPPLEMENTARY_FOLDER);
    let global = Path::new(GLOBAL_FOLDER).join(behind.collect::<PathBuf>());
    let global = global
        .starts_with(Path::new(GLOBAL_FOLDER).join(SUPPLEMENTARY_FOLDER))
        .then(|| without_parents(&global));
    let beside = name.file_name().map(|name| folder.join(name));
    let mut paths: Vec<PathBuf> = by_build_id(&link.build_id).into_iter().collect();
    for path in [written, global.flatten(), beside].into_iter().flatten() {
        if is_plain(&path) && !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Resolves each `..` in a path, without following links. `None` if the path climbs above the root.
fn without_parents(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => plain.pop().then_some(())?,
            part => plain.push(part),
        }
    }
    Some(plain)
}

/// Paths to try for the package of split units (`.dwp`) of an executable with its debug information at `debug_file`.
pub(crate) fn package_candidates(executable: &Path, debug_file: Option<&Path>) -> Vec<PathBuf> {
    let beside = debug_file.filter(|path| *path != executable);
    [executable].into_iter().chain(beside).map(|path| with_ending(path, ".dwp")).collect()
}

/// Paths to try for a split unit (`.dwo`): where the compiler put it, and beside the executable.
///
/// Name and folder come from the service's own executable, which could open any file anyway. Still, a compiler writes
/// only plain names, so a name that climbs out of its folder is only looked for beside the executable.
pub(crate) fn dwo_candidates(executable: &Path, folder: Option<&[u8]>, name: &[u8]) -> Vec<PathBuf> {
    let Some(file) = file_of(name.rsplit(|byte| *byte == b'/').next().unwrap_or(name)) else {
        return Vec::new();
    };
    let name = path_of(name);
    let written =
        folder.map(path_of).map(|folder| folder.join(&name)).or_else(|| name.has_root().then_some(name));
    let beside = Some(executable.with_file_name(file)).filter(|path| written.as_ref() != Some(path));
    written.into_iter().chain(beside).filter(|path| is_plain(path)).collect()
}

/// Whether a path is absolute and never goes back.
fn is_plain(path: &Path) -> bool {
    path.has_root()
        && !path.as_os_str().as_encoded_bytes().contains(&0)
        && !path.components().any(|part| part == Component::ParentDir)
}

/// A plain file name, without a way to other folders.
fn file_of(name: &[u8]) -> Option<PathBuf> {
    (!matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0))
        .then(|| path_of(name))
}

/// The path of the debug file with this build-id.
pub(crate) fn by_build_id(id: &BuildId) -> Option<PathBuf> {
    let digits = id.to_string();
    let (first, rest) = digits.split_at_checked(2).filter(|(_, rest)| !rest.is_empty())?;
    Some(format!("{GLOBAL_FOLDER}/.build-id/{first}/{rest}.debug").into())
}

/// Paths around a stripped file: beside it, in its folder `.debug`, and below the global folder.
pub(crate) fn by_debug_link(path: &Path, name: &[u8]) -> Vec<PathBuf> {
    let (Some(name), Some(folder)) = (file_of(name), path.parent()) else { return Vec::new() };
    let below_global = Path::new(GLOBAL_FOLDER).join(folder.strip_prefix("/").unwrap_or(folder));
    vec![folder.join(&name), folder.join(".debug").join(&name), below_global.join(&name)]
}

/// Loads the debug file of a stripped file, if a debug file with the same build-id exists. Otherwise says what was
/// wrong with a debug file that exists. A file without a build-id could have been built from anything, so it gets no
/// debug file.
pub(super) fn load(
    elf: &ElfFile<'_>,
    mapping: &Mapping,
    files: &dyn LoadObject,
) -> (Option<(PathBuf, FileData)>, UnusedDebugFile) {
    let mut unused = None;
    let Some(id) = elf.build_id() else { return (None, unused) };
    for path in candidates(elf, &mapping.path) {
        let found = match files.load_debug_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => format!("could not be read: {error}"),
            Ok(data) => match ElfFile::parse(&data) {
                Err(error) => format!("could not be read: {error}"),
                Ok(found) if found.build_id().as_ref() != Some(&id) => "is of another build".into(),
                Ok(found) if !found.has_dwarf() => "has no debug information".into(),
                Ok(_) => return (Some((path, data)), None),
            },
        };
        // The link can lead back to the file itself.
        if path != mapping.path {
            unused.get_or_insert_with(|| format!("its debug file `{}` {found}", file_name(&path)));
        }
    }
    (None, unused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(paths: Vec<PathBuf>) -> Vec<String> {
        paths.into_iter().map(|path| path.into_os_string().into_string().unwrap()).collect()
    }

    #[test]
    fn a_build_id_names_a_file_in_the_global_folder() {
        let path = Path::new("/usr/lib/debug/.build-id/ab/cdef.debug");
        let file = |id: &[u8]| by_build_id(&BuildId::from_bytes(id).unwrap());
        assert_eq!(file(&[0xab, 0xcd, 0xef]).as_deref(), Some(path));
        assert_eq!(file(&[0xab]), None);
    }

    #[test]
    fn looks_for_split_units_where_built_and_beside_the_executable() {
        let paths = |folder: Option<&str>, name: &str| {
            texts(dwo_candidates(Path::new("/srv/app"), folder.map(str::as_bytes), name.as_bytes()))
        };
        assert_eq!(paths(Some("/build"), "out/a.dwo"), ["/build/out/a.dwo", "/srv/a.dwo"]);
        assert_eq!(paths(Some("/build"), "/out/a.dwo"), ["/out/a.dwo", "/srv/a.dwo"]);
        assert_eq!(paths(Some("/srv"), "a.dwo"), ["/srv/a.dwo"]);
        assert_eq!(paths(None, "out/a.dwo"), ["/srv/a.dwo"]);
        assert_eq!(paths(None, "/out/a.dwo"), ["/out/a.dwo", "/srv/a.dwo"]);
        for (folder, name) in [("/build", "../../etc/a"), ("/build/../..", "a"), (".", "a"), ("", "../a")] {
            assert_eq!(paths(Some(folder), name), ["/srv/a"], "{folder} {name}");
        }
        for name in ["", "out/", "..", "out/..", "a\0b"] {
            assert_eq!(paths(Some("/build"), name), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn looks_for_packages_beside_the_executable_and_its_debug_file() {
        let packages = |debug_file: Option<&str>| {
            texts(package_candidates(Path::new("/srv/app"), debug_file.map(Path::new)))
        };
        assert_eq!(packages(None), ["/srv/app.dwp"]);
        assert_eq!(packages(Some("/srv/.debug/app.debug")), ["/srv/app.dwp", "/srv/.debug/app.debug.dwp"]);
    }

    #[test]
    fn debug_link_leads_only_to_files_around_the_stripped_file() {
        let paths = |name: &str| texts(by_debug_link(Path::new("/srv/app"), name.as_bytes()));
        assert_eq!(
            paths("app.debug"),
            ["/srv/app.debug", "/srv/.debug/app.debug", "/usr/lib/debug/srv/app.debug"]
        );
        assert_eq!(paths("../../etc/passwd"), Vec::<String>::new());
        assert_eq!(paths(""), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn keeps_non_utf8_paths_byte_for_byte() {
        let (app, link) = (path_of(b"/srv/caf\xe9/app"), b"\xff.debug");
        assert_eq!(by_debug_link(&app, link)[0], path_of(b"/srv/caf\xe9/\xff.debug"));
        assert_eq!(package_candidates(&app, None), [path_of(b"/srv/caf\xe9/app.dwp")]);
        let folder = Some(&b"/caf\xe9"[..]);
        assert_eq!(dwo_candidates(&app, folder, b"\xff.dwo")[0], path_of(b"/caf\xe9/\xff.dwo"));
    }

    #[test]
    fn looks_for_supplementary_file_by_build_id_and_link() {
        let build_id = BuildId::from_bytes(&[0xab, 0xcd]).unwrap();
        let paths = |link: &str, path: &str| {
            let link = SupplementaryLink { path: link.as_bytes(), build_id: build_id.clone() };
            texts(supplementary_candidates(&link, Path::new(path)))
        };
        let by_id = "/usr/lib/debug/.build-id/ab/cd.debug";
        assert_eq!(
            paths("/usr/lib/debug/.dwz/app.debug", "/srv/.debug/app.debug"),
            [by_id, "/usr/lib/debug/.dwz/app.debug", "/srv/.debug/app.debug"]
        );
        assert_eq!(
            paths("../../.dwz/app-1.0", "/usr/lib/debug/.build-id/12/34.debug"),
            [by_id, "/usr/lib/debug/.dwz/app-1.0", "/usr/lib/debug/.build-id/12/app-1.0"]
        );
        assert_eq!(
            paths("../../../.dwz/x/app", "/opt/debug/usr/bin/app.debug"),
            [by_id, "/opt/.dwz/x/app", "/usr/lib/debug/.dwz/x/app", "/opt/debug/usr/bin/app"]
        );
        assert_eq!(paths("common", "/srv/app"), [by_id, "/srv/common"]);
        assert_eq!(paths("../../../../etc/x", "/srv/app"), [by_id, "/srv/x"], "it climbs above the root");
        assert_eq!(paths("", "/srv/app"), [by_id, "/srv"], "a folder, which is no regular file");
    }
}
