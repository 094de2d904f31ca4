//! Source paths: what remains of a path once the building machine's part is taken away.

/// Cuts an absolute source path down to the part that says which code it is: from the crate's folder on
/// (`hashbrown-0.15.2/src/map.rs`, `library/alloc/src/vec/mod.rs`). A relative path is the service's own and stays.
///
/// Build machines' home folders and user names thereby never leave the process.
pub(crate) fn trimmed(path: &str) -> &str {
    if !path.starts_with('/') {
        return path;
    }
    let path = without_home(path);
    for (marker, skipped_folders) in [
        // The standard library: as distributed (`/rustc/<commit>/library/…`), or from the component `rust-src`.
        ("/library/", None),
        // The dependencies of the standard library.
        ("/rust/deps/", Some(0)),
        // cargo's sources: `registry/src/<index>/<crate>-<version>/…`, `git/checkouts/<name>-<hash>/<commit>/…`.
        ("/registry/src/", Some(1)),
        ("/git/checkouts/", Some(0)),
        ("/vendor/", Some(0)),
    ] {
        let Some(at) = path.rfind(marker) else { continue };
        match skipped_folders {
            None if path.starts_with("/rustc/") || path.contains("/lib/rustlib/src/rust/") => {
                return &path[at + 1..];
            }
            None => {}
            Some(folders) => {
                let rest = &path[at + marker.len()..];
                return rest.splitn(folders + 1, '/').last().unwrap_or(rest);
            }
        }
    }
    // What a build script compiled: `target/release/build/<crate>-<hash>/out/…`.
    if let Some((folder, _)) = path.split_once("/out/")
        && let Some((_, name)) = folder.rsplit_once("/build/")
        && !name.contains('/')
    {
        return &path[folder.len() - name.len()..];
    }
    // Unknown: a path that names no more than two folders says where in the code, hardly where on the machine.
    path.rmatch_indices('/').nth(2).map_or(path, |(at, _)| &path[at + 1..])
}

/// The path below the home folder of whoever built it, if it is there.
fn without_home(path: &str) -> &str {
    let below = ["/home/", "/Users/"]
        .iter()
        .find_map(|homes| path.strip_prefix(homes)?.find('/').map(|at| at + homes.len()));
    below.map_or(path, |at| &path[at..])
}

/// Whether a folder is one into which cargo puts the sources of dependencies.
pub(crate) fn is_of_dependency(folder: &str) -> bool {
    ["/registry/src/", "/git/checkouts/", "/vendor/"].iter().any(|marker| folder.contains(marker))
}

#[cfg(test)]
mod tests {
    use super::{is_of_dependency, trimmed};

    #[test]
    fn folders_of_dependencies_are_known() {
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
            ("/home/ann/.cargo/git/checkouts/slab-12ab/34cd/src/lib.rs", "slab-12ab/34cd/src/lib.rs"),
            ("/srv/vendor/slab/src/lib.rs", "slab/src/lib.rs"),
            (
                "/srv/t/release/build/tikv-jemalloc-sys-12ab/out/build/src/prof.c",
                "tikv-jemalloc-sys-12ab/out/build/src/prof.c",
            ),
            ("/home/ann/secret/app/src/main.rs", "app/src/main.rs"),
            ("/home/ann/x.rs", "/x.rs"),
            ("/build/ann/secret/app/src/main.rs", "app/src/main.rs"),
            ("/a.c", "/a.c"),
            ("", ""),
        ] {
            assert_eq!(trimmed(path), expected, "{path}");
        }
    }
}
