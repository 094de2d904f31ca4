//! Snapshots in a folder, which outlive the process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use memory_debug_report::{Snapshot, SnapshotId};

use crate::file_size::without_signal;
use crate::regular_file::open_regular_file;

/// The extension of a complete snapshot, which tools for pprof profiles recognise.
const EXTENSION: &str = "pb.gz";

/// The extension of a snapshot that is being written.
const UNFINISHED: &str = "tmp";

/// The longest file that is read. A profile is also refused if it is longer uncompressed.
const MAX_BYTES: u64 = 64 << 20;

/// A folder with one file per snapshot, `memory-ID.pb.gz`, which `go tool pprof` also opens.
///
/// A file with such a name is complete, because it is written under another name and synced first. If a process
/// was killed while it wrote, loading skips the incomplete file and the next save removes it.
#[derive(Clone, Debug)]
pub struct SnapshotFolder {
    path: PathBuf,
}

impl SnapshotFolder {
    /// Uses the folder at `path`. The first save creates it if it does not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes a snapshot that only its owner can read.
    ///
    /// # Errors
    ///
    /// If the file could not be written, for example because the disk is full or `RLIMIT_FSIZE` was reached.
    /// Earlier snapshots stay as they are.
    pub fn save(&self, snapshot: &Snapshot) -> io::Result<PathBuf> {
        self.make()?;
        self.remove_unfinished();
        let path = self.path_of(snapshot.info().id);
        let unfinished = path.with_extension(UNFINISHED);
        let written = write(&unfinished, snapshot.as_bytes()).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            // The disk may be full, and the incomplete file would still take room on it.
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        // The file's name is only durable once the folder is synced.
        sync(&self.path)?;
        Ok(path)
    }

    /// Reads the snapshots, the oldest first. Also returns, for each file that was skipped, what is wrong with
    /// it.
    ///
    /// # Errors
    ///
    /// If the folder exists but cannot be read.
    pub fn load(&self) -> io::Result<(Vec<Snapshot>, Vec<String>)> {
        let (mut snapshots, mut passed_over) = (Vec::new(), Vec::new());
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((snapshots, passed_over)),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !(name.starts_with("memory-") && name.ends_with(EXTENSION)) {
                continue;
            }
            let read = read(&path, MAX_BYTES).map_err(|error| error.to_string());
            match read.and_then(|bytes| Snapshot::from_bytes(bytes).map_err(|error| error.to_string())) {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(reason) => passed_over.push(format!("{name}: {reason}")),
            }
        }
        snapshots.sort_by(|a, b| (&a.info().taken_at, a.info().id).cmp(&(&b.info().taken_at, b.info().id)));
        passed_over.sort();
        Ok((snapshots, passed_over))
    }

    /// Removes a snapshot's file, if there is one.
    ///
    /// # Errors
    ///
    /// Errors of the file system.
    pub fn remove(&self, id: SnapshotId) -> io::Result<()> {
        match fs::remove_file(self.path_of(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn path_of(&self, id: SnapshotId) -> PathBuf {
        self.path.join(format!("memory-{id}.{EXTENSION}"))
    }

    /// Creates the folder and its parents if they do not exist.
    fn make(&self) -> io::Result<()> {
        let is_new = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let new: Vec<_> = self.path.ancestors().take_while(is_new).collect();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // The names of new folders are also only durable once their parents are synced.
        let mut around = new.iter().filter_map(|path| path.parent());
        let made = builder.create(&self.path).and_then(|()| around.try_for_each(sync));
        if made.is_err() {
            // The next save would assume that an existing folder is durable.
            new.iter().for_each(|path| _ = fs::remove_dir(path));
        }
        made
    }

    /// Removes the files of unfinished saves. A save that is running in another process loses its file, and reports
    /// that.
    fn remove_unfinished(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("memory-"));
            if is_ours && path.extension().is_some_and(|extension| extension == UNFINISHED) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Reads a file of at most `max_bytes`.
fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let too_long =
        || io::Error::other(format!("is longer than {max_bytes} bytes, the most that a snapshot can have"));
    let (mut bytes, file) = (Vec::new(), open_regular_file(path)?);
    if file.metadata()?.len() > max_bytes {
        return Err(too_long());
    }
    // The file may grow meanwhile.
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes { Err(too_long()) } else { Ok(bytes) }
}

fn sync(folder: &Path) -> io::Result<()> {
    // The parent of a path with a single component is empty.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    without_signal(|| file.write_all(bytes))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::empty;
    use super::*;

    fn folder(name: &str) -> SnapshotFolder {
        let path = std::env::temp_dir().join(format!("memory-debug-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        SnapshotFolder::new(path)
    }

    fn labels(folder: &SnapshotFolder) -> Vec<String> {
        folder.load().unwrap().0.iter().filter_map(|snapshot| snapshot.info().label.clone()).collect()
    }

    #[test]
    fn loads_snapshots_in_the_order_of_their_times() {
        let folder = folder("order");
        assert_eq!(folder.load().unwrap().0.len(), 0, "a folder that does not exist has no snapshots");
        for (seconds, label) in [(30, "c"), (10, "a"), (20, "b")] {
            folder.save(&empty(seconds, label)).unwrap();
        }
        assert_eq!(labels(&folder), ["a", "b", "c"]);
        let first = folder.load().unwrap().0.remove(0);
        folder.remove(first.info().id).unwrap();
        folder.remove(first.info().id).unwrap();
        assert_eq!(labels(&folder), ["b", "c"]);
        fs::remove_dir_all(folder.path).unwrap();
    }

    #[test]
    fn skips_and_names_damaged_files() {
        let folder = folder("damaged");
        let whole = folder.save(&empty(10, "whole")).unwrap();
        let bytes = fs::read(&whole).unwrap();
        for cut in 0..bytes.len() {
            fs::write(folder.path.join("memory-cut.pb.gz"), &bytes[..cut]).unwrap();
            let (snapshots, passed_over) = folder.load().unwrap();
            assert_eq!((snapshots.len(), passed_over.len()), (1, 1), "{cut}");
            assert!(passed_over[0].starts_with("memory-cut.pb.gz: "), "{passed_over:?}");
        }
        fs::write(folder.path.join("memory-half.tmp"), "half").unwrap();
        fs::write(folder.path.join("notes.txt"), "another program's").unwrap();
        let long = File::create(folder.path.join("memory-long.pb.gz")).unwrap();
        long.set_len(MAX_BYTES + 1).unwrap();
        fs::create_dir(folder.path.join("memory-folder.pb.gz")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/dev/zero", folder.path.join("memory-zero.pb.gz")).unwrap();
        folder.save(&empty(20, "next")).unwrap();
        assert!(!folder.path.join("memory-half.tmp").exists() && folder.path.join("notes.txt").exists());
        assert_eq!(labels(&folder), ["whole", "next"]);
        let passed_over = folder.load().unwrap().1.join("\n");
        for expected in [
            "memory-folder.pb.gz: it is a folder, not a regular file",
            "memory-long.pb.gz: is longer than 67108864 bytes",
        ] {
            assert!(passed_over.contains(expected), "{passed_over}");
        }
        #[cfg(unix)]
        assert!(
            passed_over.contains("memory-zero.pb.gz: it is a device, not a regular file"),
            "{passed_over}"
        );
        fs::remove_dir_all(folder.path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn s45_skips_irregular_and_endless_files_without_waiting() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        use std::os::unix::fs::symlink;

        let folder = folder("irregular");
        let whole = folder.save(&empty(10, "whole")).unwrap();
        let path = |name: &str| folder.path.join(format!("memory-{name}.pb.gz"));
        mknodat(CWD, path("a-pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        fs::create_dir(path("b-folder")).unwrap();
        symlink("/dev/zero", path("c-endless")).unwrap();
        File::create(path("d-sparse")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let (snapshots, passed_over) = folder.load().unwrap();
        assert_eq!(snapshots.len(), 1);
        let expected = [
            "memory-a-pipe.pb.gz: it is a pipe, not a regular file",
            "memory-b-folder.pb.gz: it is a folder, not a regular file",
            "memory-c-endless.pb.gz: it is a device, not a regular file",
            "memory-d-sparse.pb.gz: is longer than 67108864 bytes, the most that a snapshot can have",
        ];
        assert_eq!(passed_over, expected);
        let length = fs::metadata(&whole).unwrap().len();
        assert_eq!(read(&whole, length).unwrap().len() as u64, length);
        assert!(read(&whole, length - 1).is_err());
        fs::remove_dir_all(folder.path).unwrap();
    }

    #[test]
    fn creates_missing_folders_at_any_depth() {
        let (outer, name) = (folder("outer"), format!("memory-debug-{}-relative", std::process::id()));
        // Tests run at the same time, so the working directory must not change.
        for path in [outer.path.join("a/b"), outer.path.join("c/../d"), PathBuf::from(&name)] {
            let folder = SnapshotFolder::new(&path);
            folder.save(&empty(10, "a")).unwrap();
            folder.save(&empty(20, "b")).unwrap();
            assert_eq!(labels(&folder), ["a", "b"], "{}", path.display());
        }
        fs::remove_dir_all(outer.path).unwrap();
        fs::remove_dir_all(name).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn s45_only_the_owner_can_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("mode");
        let path = folder.save(&empty(10, "a")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.path)), (0o600, 0o700));
        fs::remove_dir_all(folder.path).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let error = SnapshotFolder::new("/proc/nothing/here").save(&empty(10, "a")).unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}
