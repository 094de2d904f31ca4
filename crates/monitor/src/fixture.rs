//! Folders of small files that stand in for `/proc` and `/sys/fs/cgroup` in tests.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A temporary folder, removed when dropped.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// A process in the group `/p/a` of version 2, whose parent `/p` has no limit.
    pub(crate) fn version_2() -> Self {
        let tree = Self(TempDir::new().unwrap());
        tree.mount("0::/p/a\n", "cgroup2 cgroup2 rw");
        tree.add("cgroup/p/a/memory.max", "1000000");
        tree.add("cgroup/p/a/memory.current", "600000");
        tree.add("cgroup/p/a/memory.stat", "anon 5\ninactive_file 100000\n");
        tree.add("cgroup/p/a/memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
        tree.add("cgroup/p/memory.max", "max");
        tree.add("cgroup/p/memory.current", "900000");
        tree.add("cgroup/p/memory.stat", "inactive_file 0\n");
        tree
    }

    /// A process in the group `/p/a` of version 1, whose parent `/p` has no limit.
    pub(crate) fn version_1() -> Self {
        let tree = Self(TempDir::new().unwrap());
        tree.mount("4:memory:/p/a\n0::/\n", "cgroup cgroup rw,memory");
        for (group, limit, usage) in [("p/a", "1000000", "600000"), ("p", "9223372036854771712", "900000")] {
            tree.add(&format!("cgroup/{group}/memory.limit_in_bytes"), limit);
            tree.add(&format!("cgroup/{group}/memory.usage_in_bytes"), usage);
            tree.add(
                &format!("cgroup/{group}/memory.stat"),
                "inactive_file 7\nhierarchical_memory_limit 1000000\ntotal_inactive_file 100000\n",
            );
            tree.add(&format!("cgroup/{group}/memory.oom_control"), "oom_kill_disable 0\noom_kill 2\n");
        }
        tree
    }

    fn mount(&self, membership: &str, kind: &str) {
        self.add("self/cgroup", membership);
        let mount = self.path().join("cgroup");
        self.add("self/mountinfo", &format!("30 25 0:26 / {} rw - {kind}\n", mount.display()));
        self.add("self/statm", "1000 50 20 5 0 40 0\n");
        self.add("self/status", "Name:\tservice\nThreads:\t9\n");
        self.add("self/smaps_rollup", "[rollup]\nPrivate_Clean:       500 kB\nPrivate_Dirty:      2500 kB\n");
        self.add("self/fd/0", "");
        self.add("self/fd/1", "");
    }

    /// Adds or replaces a file.
    pub(crate) fn add(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.path().join(path);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
