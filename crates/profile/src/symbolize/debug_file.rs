//! Where the debug information of a stripped file may lie.
//!
//! The places are those of gdb ("Debugging Information in Separate Files" in its manual): by build-id below the global
//! folder, and by the name in `.gnu_debuglink` beside the file, in its folder `.debug` and below the global folder.

use super::elf::ElfFile;
use crate::build_id::BuildId;

/// Where distributions put the debug information of what they package.
const GLOBAL_FOLDER: &str = "/usr/lib/debug";

/// Paths to try for the debug information of the file at `path`, most specific first.
pub(crate) fn candidates(elf: &ElfFile<'_>, path: &str) -> Vec<String> {
    let by_id = elf.build_id().as_ref().and_then(by_build_id);
    let by_link = elf.debug_link().map(|name| by_debug_link(path, name)).unwrap_or_default();
    by_id.into_iter().chain(by_link).collect()
}

/// Paths to try for the package of split units (`.dwp`) of an executable whose debug information is in the file at
/// `debug_file`.
pub(crate) fn package_candidates(executable: &str, debug_file: Option<&str>) -> Vec<String> {
    let beside = debug_file.filter(|path| *path != executable);
    [executable].into_iter().chain(beside).map(|path| format!("{path}.dwp")).collect()
}

/// Paths to try for a split unit (`.dwo`): where the compiler put it, and beside the executable.
///
/// Name and folder come from the service's own executable, which could as well open any file; they are taken for what
/// a compiler writes all the same, so a name that climbs out of its folder is only looked for beside the executable.
pub(crate) fn dwo_candidates(executable: &str, folder: Option<&str>, name: &str) -> Vec<String> {
    let file = name.rsplit('/').next().unwrap_or(name);
    if matches!(file, "" | "." | "..") || file.contains('\0') {
        return Vec::new();
    }
    let written = if name.starts_with('/') {
        Some(name.to_owned())
    } else {
        folder.map(|folder| format!("{folder}/{name}"))
    };
    let is_plain = |path: &String| {
        path.starts_with('/') && !path.contains('\0') && !path.split('/').any(|part| part == "..")
    };
    let beside =
        Some(format!("{}/{file}", folder_of(executable))).filter(|path| written.as_ref() != Some(path));
    written.into_iter().chain(beside).filter(is_plain).collect()
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The debug file of the file with this build-id.
pub(crate) fn by_build_id(id: &BuildId) -> Option<String> {
    let digits = id.to_string();
    let (first, rest) = digits.split_at_checked(2).filter(|(_, rest)| !rest.is_empty())?;
    Some(format!("{GLOBAL_FOLDER}/.build-id/{first}/{rest}.debug"))
}

/// Around a stripped file: beside it, in its folder `.debug`, and in the same place below the global folder.
pub(crate) fn by_debug_link(path: &str, name: &str) -> Vec<String> {
    // The name is one of a file, not a way to others.
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Vec::new();
    }
    let folder = folder_of(path);
    vec![
        format!("{folder}/{name}"),
        format!("{folder}/.debug/{name}"),
        format!("{GLOBAL_FOLDER}{folder}/{name}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_names_a_file_in_the_global_folder() {
        let path = "/usr/lib/debug/.build-id/ab/cdef.debug";
        let file = |id: &[u8]| by_build_id(&BuildId::from_bytes(id).unwrap());
        assert_eq!(file(&[0xab, 0xcd, 0xef]).as_deref(), Some(path));
        assert_eq!(file(&[0xab]), None);
    }

    #[test]
    fn a_split_unit_is_looked_for_where_it_was_built_and_beside_the_executable() {
        let paths = |folder, name| dwo_candidates("/srv/app", folder, name);
        assert_eq!(paths(Some("/build"), "out/a.dwo"), ["/build/out/a.dwo", "/srv/a.dwo"]);
        assert_eq!(paths(Some("/build"), "/out/a.dwo"), ["/out/a.dwo", "/srv/a.dwo"]);
        assert_eq!(paths(Some("/srv"), "a.dwo"), ["/srv/a.dwo"]);
        assert_eq!(paths(None, "out/a.dwo"), ["/srv/a.dwo"]);
        for (folder, name) in [("/build", "../../etc/a"), ("/build/../..", "a"), (".", "a"), ("", "../a")] {
            assert_eq!(paths(Some(folder), name), ["/srv/a"], "{folder} {name}");
        }
        for name in ["", "out/", "..", "out/..", "a\0b"] {
            assert_eq!(paths(Some("/build"), name), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_package_lies_beside_the_executable_or_its_debug_file() {
        assert_eq!(package_candidates("/srv/app", None), ["/srv/app.dwp"]);
        let beside_both = ["/srv/app.dwp", "/srv/.debug/app.debug.dwp"];
        assert_eq!(package_candidates("/srv/app", Some("/srv/.debug/app.debug")), beside_both);
    }

    #[test]
    fn a_link_names_files_around_the_stripped_one_and_no_others() {
        let expected = ["/srv/app.debug", "/srv/.debug/app.debug", "/usr/lib/debug/srv/app.debug"];
        assert_eq!(by_debug_link("/srv/app", "app.debug"), expected);
        assert_eq!(by_debug_link("/srv/app", "../../etc/passwd"), Vec::<String>::new());
        assert_eq!(by_debug_link("/srv/app", ""), Vec::<String>::new());
    }
}
