//! Names from `.gnu_debuglink` and `.gnu_debugaltlink`, build-ids, and names of split units. Whatever a file
//! contains, only the documented places are tried, and no path leaves its folder.

#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::{debug_paths, dwo_paths, supplementary_paths};

const EXECUTABLES: [&[u8]; 4] = [b"/srv/shop/bin/shop", b"/shop", b"/srv/my shop/.debug", b"/caf\xe9/shop"];

#[derive(Arbitrary, Debug)]
struct Names<'a> {
    executable: u8,
    link: &'a [u8],
    build_id: &'a [u8],
    folder: Option<&'a [u8]>,
    dwo: &'a [u8],
}

fuzz_target!(|names: Names<'_>| {
    let executable =
        Path::new(OsStr::from_bytes(EXECUTABLES[usize::from(names.executable) % EXECUTABLES.len()]));
    let beside = executable.parent().expect("absolute");

    let (by_link, by_id) = debug_paths(executable, names.link, names.build_id);
    for path in &by_link {
        assert_is_plain(path);
        assert_eq!(path.file_name(), Some(OsStr::from_bytes(names.link)));
        let below_global = Path::new("/usr/lib/debug").join(beside.strip_prefix("/").expect("absolute"));
        let folders = [beside.to_owned(), beside.join(".debug"), below_global];
        assert!(folders.iter().any(|known| Some(known.as_path()) == path.parent()), "{path:?}");
    }
    assert_eq!(by_id.is_some(), names.build_id.len() > 1);
    if let Some(path) = &by_id {
        assert_is_plain(path);
        let path = path.to_str().expect("hexadecimal");
        let digits =
            path.strip_prefix("/usr/lib/debug/.build-id/").and_then(|path| path.strip_suffix(".debug"));
        let (first, rest) = digits.and_then(|digits| digits.split_once('/')).expect("the global folder");
        assert!(first.len() == 2 && first.len() + rest.len() == 2 * names.build_id.len(), "{path}");
        assert!(first.bytes().chain(rest.bytes()).all(|digit| digit.is_ascii_hexdigit()), "{path}");
    }

    let supplementary = supplementary_paths(executable, names.link, names.build_id);
    assert!(supplementary.len() <= 4);
    supplementary.iter().for_each(|path| assert_is_plain(path));
    assert!(by_id.is_none_or(|path| supplementary[0] == path));

    let dwo = dwo_paths(executable, names.folder, names.dwo);
    assert!(dwo.len() <= 2);
    for path in &dwo {
        assert_is_plain(path);
        let written: PathBuf =
            [names.folder.unwrap_or_default(), names.dwo].map(OsStr::from_bytes).iter().collect();
        assert!(*path == written || path.parent() == Some(beside), "{path:?}");
    }
});

/// Asserts that a path is absolute and has no `..`.
fn assert_is_plain(path: &Path) {
    assert!(path.is_absolute() && !path.as_os_str().as_bytes().contains(&0), "{path:?}");
    assert!(path.components().all(|part| part != Component::ParentDir), "{path:?}");
}
