//! Source paths without the part that depends on the build machine.

use std::borrow::Cow;

/// Prefix for Rust code that is neither the service's own nor from a registry: a path or git dependency, or a
/// vendored crate. The crate's folder follows: `../store/src/lib.rs`.
pub(crate) const BESIDE_SERVICE: &str = "../";

/// Cuts an absolute source path down to the part that identifies the code, beginning with the crate's folder
/// (`hashbrown-0.15.2/src/map.rs`, `library/alloc/src/vec/mod.rs`). A path below `own_root`, the root of the
/// service's workspace, is the service's own and becomes relative to it. A relative path stays.
///
/// So home folders and user names of build machines never leave the process.
pub(crate) fn trimmed<'p>(path: &'p str, own_root: Option<&str>) -> Cow<'p, str> {
    if !path.starts_with('/') {
        return path.into();
    }
    let is_rust = path.ends_with(".rs");
    let beside = |rest: &'p str| if is_rust { format!("{BESIDE_SERVICE}{rest}").into() } else { rest.into() };
    let without_home = without_home(path);
    // The standard library, as distributed (`/rustc/<commit>/library/…`) or from the component `rust-src`.
    if let Some(at) = without_home.rfind("/library/")
        && (without_home.starts_with("/rustc/") || without_home.contains("/lib/rustlib/src/rust/"))
    {
        return without_home[at + 1..].into();
    }
    for (marker, skipped_folders, has_version) in [
        // The dependencies of the standard library.
        ("/rust/deps/", 0, true),
        // cargo's sources: `registry/src/<index>/<crate>-<version>/…`, `git/checkouts/<name>-<hash>/<commit>/…`.
        ("/registry/src/", 1, true),
        ("/git/checkouts/", 0, false),
        ("/vendor/", 0, false),
    ] {
        if let Some(at) = without_home.rfind(marker) {
            let rest = &without_home[at + marker.len()..];
            let rest = rest.splitn(skipped_folders + 1, '/').last().unwrap_or(rest);
            return if has_version { rest.into() } else { beside(rest) };
        }
    }
    // Output of a build script: `target/release/build/<crate>-<hash>/out/…`.
    if let Some((folder, _)) = without_home.split_once("/out/")
        && let Some((_, name)) = folder.rsplit_once("/build/")
        && !name.contains('/')
    {
        return without_home[folder.len() - name.len()..].into();
    }
    if let Some(own) = own_root.and_then(|root| path.strip_prefix(root)?.strip_prefix('/')) {
        return own.into();
    }
    // Another crate on the build machine, beginning with its folder (the folder that contains `src`).
    if let Some(crate_end) = without_home.rfind("/src/").filter(|_| is_rust) {
        let crate_start = without_home[..crate_end].rfind('/').map_or(crate_end, |slash| slash + 1);
        return beside(without_home[crate_start..].trim_start_matches('/'));
    }
    // Other paths. Two folders at most show where the code is, and reveal little about the machine.
    without_home.rmatch_indices('/').nth(2).map_or(without_home, |(at, _)| &without_home[at + 1..]).into()
}

/// The root of the workspace that a program's own crate was compiled in. It follows from the name of a unit of that
/// crate (`src/main.rs/@/app.7f3a-cgu.0`) and the compiler's working folder. `None` if the unit belongs to a library.
pub(crate) fn own_root<'p>(unit_name: &'p str, compiler_folder: Option<&'p str>) -> Option<&'p str> {
    let file = unit_name.split_once("/@/").map_or(unit_name, |(file, _)| file);
    let is_of_program = file.ends_with("main.rs") || file.contains("/bin/") && file.ends_with(".rs");
    if !is_of_program || is_of_dependency(file) || compiler_folder.is_some_and(is_of_dependency) {
        return None;
    }
    match file.strip_prefix('/') {
        None => compiler_folder,
        Some(_) => file.rfind("/src/").map(|at| &file[..at]),
    }
}

/// The path below a home folder, if it is in one.
fn without_home(path: &str) -> &str {
    let below = ["/home/", "/Users/"]
        .iter()
        .find_map(|homes| path.strip_prefix(homes)?.find('/').map(|at| at + homes.len()));
    below.map_or(path, |at| &path[at..])
}

/// Whether cargo puts the sources of dependencies into a folder.
pub(crate) fn is_of_dependency(folder: &str) -> bool {
    ["/registry/src/", "/git/checkouts/", "/vendor/"].iter().any(|marker| folder.contains(marker))
}

#[cfg(test)]
mod tests {
    use super::{is_of_dependency, own_root, trimmed};

    #[test]
    fn recognizes_folders_of_dependencies() {
        assert!(is_of_dependency("/home/ann/.cargo/registry/src/index.io-19/bytes-1.12.1"));
        assert!(is_of_dependency("/srv/app/vendor/bytes"));
        assert!(!is_of_dependency("/home/ann/app"));
    }

    #[test]
    fn paths_begin_at_the_crate() {
        for (path, expected) in [
            ("src/main.rs", "src/main.rs"),
            ("crates/store/src/lib.rs", "crates/store/src/lib.rs"),
            ("/rustc/59807616e1/library/alloc/src/vec/mod.rs", "library/alloc/src/vec/mod.rs"),
            ("/opt/r/lib/rustlib/src/rust/library/std/src/io/mod.rs", "library/std/src/io/mod.rs"),
            ("/rust/deps/hashbrown-0.15.5/src/raw/mod.rs", "hashbrown-0.15.5/src/raw/mod.rs"),
            ("/home/ann/.cargo/registry/src/index.io-19/tokio-1.4.0/src/task.rs", "tokio-1.4.0/src/task.rs"),
            ("/home/ann/.cargo/git/checkouts/slab-12ab/34cd/src/lib.rs", "../slab-12ab/34cd/src/lib.rs"),
            ("/srv/vendor/slab/src/lib.rs", "../slab/src/lib.rs"),
            ("/home/ann/app/src/serve/connection.rs", "src/serve/connection.rs"),
            ("/home/ann/app/crates/store/src/lib.rs", "crates/store/src/lib.rs"),
            ("/home/ann/app/vendor/slab/src/lib.rs", "../slab/src/lib.rs"),
            ("/home/ann/server/src/serve/connection.rs", "../server/src/serve/connection.rs"),
            ("/home/ann/application/src/a/b/c.rs", "../application/src/a/b/c.rs"),
            ("/src/lib.rs", "../src/lib.rs"),
            (
                "/srv/t/release/build/tikv-jemalloc-sys-12ab/out/build/src/prof.c",
                "tikv-jemalloc-sys-12ab/out/build/src/prof.c",
            ),
            ("/home/ann/secret/app/src/main.rs", "../app/src/main.rs"),
            ("/home/ann/x.rs", "/x.rs"),
            ("/build/ann/secret/app/src/main.rs", "../app/src/main.rs"),
            ("/a.c", "/a.c"),
            ("", ""),
        ] {
            assert_eq!(trimmed(path, Some("/home/ann/app")), expected, "{path}");
        }
        assert_eq!(trimmed("/home/ann/app/src/main.rs", None), "../app/src/main.rs");
    }

    #[test]
    fn finds_the_workspace_of_the_programs_own_crate() {
        for (unit, folder, expected) in [
            ("src/main.rs/@/app.7f3a-cgu.0", Some("/srv/app"), Some("/srv/app")),
            ("crates/web/src/main.rs/@/app.7f3a-cgu.0", Some("/srv/app"), Some("/srv/app")),
            ("src/bin/worker.rs/@/worker.7f3a-cgu.0", Some("/srv/app"), Some("/srv/app")),
            ("/srv/app/src/main.rs/@/app.7f3a-cgu.0", Some("/tmp"), Some("/srv/app")),
            ("src/lib.rs/@/store.7f3a-cgu.0", Some("/srv/store"), None),
            ("src/main.rs", None, None),
            ("src/main.rs", Some("/root/.cargo/registry/src/index-1/tool-1.0.0"), None),
            ("src/main.c", Some("/srv/app"), None),
            ("", Some(""), None),
        ] {
            assert_eq!(own_root(unit, folder), expected, "{unit}");
        }
    }
}
