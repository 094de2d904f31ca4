//! Names from `.gnu_debuglink`, build-ids and names of split units: whatever a file says, only files in the places that
//! the documentation names are tried, and no path climbs out of its folder.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::{debug_paths, dwo_paths};

const EXECUTABLES: [&str; 3] = ["/srv/shop/bin/shop", "/shop", "/srv/my shop/.debug"];

#[derive(Arbitrary, Debug)]
struct Names<'a> {
    executable: u8,
    link: &'a str,
    build_id: &'a [u8],
    folder: Option<&'a str>,
    dwo: &'a str,
}

fuzz_target!(|names: Names<'_>| {
    let executable = EXECUTABLES[usize::from(names.executable) % EXECUTABLES.len()];
    let (beside, _) = executable.rsplit_once('/').expect("absolute");

    let (by_link, by_id) = debug_paths(executable, names.link, names.build_id);
    for path in &by_link {
        assert_is_plain(path);
        let (folder, file) = path.rsplit_once('/').expect("absolute");
        assert_eq!(file, names.link);
        let folders = [beside.to_owned(), format!("{beside}/.debug"), format!("/usr/lib/debug{beside}")];
        assert!(folders.iter().any(|known| known == folder), "{path}");
    }
    assert_eq!(by_id.is_some(), names.build_id.len() > 1);
    if let Some(path) = by_id {
        assert_is_plain(&path);
        let digits =
            path.strip_prefix("/usr/lib/debug/.build-id/").and_then(|path| path.strip_suffix(".debug"));
        let (first, rest) = digits.and_then(|digits| digits.split_once('/')).expect("the global folder");
        assert!(first.len() == 2 && first.len() + rest.len() == 2 * names.build_id.len(), "{path}");
        assert!(first.bytes().chain(rest.bytes()).all(|digit| digit.is_ascii_hexdigit()), "{path}");
    }

    let dwo = dwo_paths(executable, names.folder, names.dwo);
    assert!(dwo.len() <= 2);
    for path in &dwo {
        assert_is_plain(path);
        let (folder, file) = path.rsplit_once('/').expect("absolute");
        assert!(names.dwo.ends_with(file), "{path}");
        let written = if names.dwo.starts_with('/') { Some("") } else { names.folder };
        let is_written =
            written.is_some_and(|written| path.starts_with(written) && path.ends_with(names.dwo));
        assert!(is_written || folder == beside, "{path}");
    }
});

/// Absolute, the path of a file, and without a way up.
fn assert_is_plain(path: &str) {
    assert!(path.starts_with('/') && !path.contains('\0'), "{path:?}");
    assert!(path.split('/').all(|part| part != ".."), "{path:?}");
    let file = path.rsplit('/').next().unwrap_or_default();
    assert!(!file.is_empty() && file != ".", "{path:?}");
}
