//! Where the debug information of a stripped file may lie.
//!
//! The places are those of gdb ("Debugging Information in Separate Files" in its manual): by build-id below the global
//! folder, and by the name in `.gnu_debuglink` beside the file, in its folder `.debug` and below the global folder.

use std::fmt::Write as _;

use super::elf::ElfFile;

/// Where distributions put the debug information of what they package.
const GLOBAL_FOLDER: &str = "/usr/lib/debug";

/// Paths to try for the debug information of the file at `path`, most specific first.
pub(crate) fn candidates(elf: &ElfFile<'_>, path: &str) -> Vec<String> {
    let by_id = elf.build_id().and_then(by_build_id);
    let by_link = elf.debug_link().map(|name| by_debug_link(path, name)).unwrap_or_default();
    by_id.into_iter().chain(by_link).collect()
}

fn by_build_id(id: &[u8]) -> Option<String> {
    let (first, rest) = id.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let rest = rest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Some(format!("{GLOBAL_FOLDER}/.build-id/{first:02x}/{rest}.debug"))
}

fn by_debug_link(path: &str, name: &str) -> Vec<String> {
    // The name is one of a file, not a way to others.
    if name.is_empty() || name.contains('/') {
        return Vec::new();
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
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
        assert_eq!(by_build_id(&[0xab, 0xcd, 0xef]).as_deref(), Some(path));
        assert_eq!(by_build_id(&[0xab]), None);
        assert_eq!(by_build_id(&[]), None);
    }

    #[test]
    fn a_link_names_files_around_the_stripped_one_and_no_others() {
        let expected = ["/srv/app.debug", "/srv/.debug/app.debug", "/usr/lib/debug/srv/app.debug"];
        assert_eq!(by_debug_link("/srv/app", "app.debug"), expected);
        assert_eq!(by_debug_link("/srv/app", "../../etc/passwd"), Vec::<String>::new());
        assert_eq!(by_debug_link("/srv/app", ""), Vec::<String>::new());
    }
}
