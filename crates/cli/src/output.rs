//! Writes results to standard output or to a file.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _, stdout};
use std::path::Path;

use memory_debug_report::render;
use memory_debug_report::units::printable;
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::interrupt;

/// Writes to standard output. A reader that stops early (`head`) does not cause a failure.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::local(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes untrusted text. Everything that could move the cursor, except line feeds, is escaped.
pub(crate) fn print_text(text: &str) -> Result<(), Failure> {
    print(lines(text))
}

/// Writes `value` as JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(json(value)?)
}

/// Formats `value` as indented JSON with a newline at the end.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    render::to_json(value).map_err(|error| Failure::local(error.to_string()))
}

/// Writes a page that an instance sent, as JSON or text.
pub(crate) fn print_page(page: &[u8], is_json: bool) -> Result<(), Failure> {
    let page = String::from_utf8_lossy(page);
    print(if is_json { render::printable_json(&page) } else { lines(&page) })
}

fn lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Writes a result to the path given with `-o`.
///
/// The file is either complete or absent, and only its owner can read it. It is first written under a random name in
/// the same folder, and then moved to `path`. A symbolic link at `path` is replaced, and its target stays untouched.
/// `-` stands for standard output. A device or a pipe is written to directly.
///
/// # Errors
///
/// If the file cannot be written. The message names the path.
pub(crate) fn save(path: &Path, content: &[u8]) -> Result<(), Failure> {
    save_over(path, content, Existing::Replace)
}

/// Like [`save`], with a choice about a file that is already at `path`.
pub(crate) fn save_over(path: &Path, content: &[u8], existing: Existing) -> Result<(), Failure> {
    if is_stdout(path) {
        return print(content);
    }
    let saved = if is_stream(path) { write_to(path, content) } else { move_to(path, content, existing) };
    saved.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::local(error.to_string()).at(&path.display()),
    })
}

/// What happens to a file that is already at the path of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

/// Checks that a result can be saved at `path`, before the work for it begins.
///
/// # Errors
///
/// If there is a file that must be kept.
pub(crate) fn require_absent(path: &Path, existing: Existing) -> Result<(), Failure> {
    let is_there = existing == Existing::Keep && fs::symlink_metadata(path).is_ok();
    if is_there && !is_stdout(path) && !is_stream(path) { Err(exists(path)) } else { Ok(()) }
}

fn exists(path: &Path) -> Failure {
    Failure::usage("exists already; choose another name, or pass --force to replace it").at(&path.display())
}

/// Whether `path` stands for standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether a file must not replace what is at `path`: a device, a pipe, or one of this process's descriptors, such as
/// `/dev/stdout`.
fn is_stream(path: &Path) -> bool {
    let is_descriptor = ["/dev/stdout", "/dev/stderr"].iter().any(|name| path == Path::new(name))
        || ["/dev/fd", "/proc"].iter().any(|folder| path.starts_with(folder));
    is_descriptor || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn write_to(path: &Path, content: &[u8]) -> io::Result<()> {
    // Does not create a file, in case the pipe has disappeared in the meantime.
    OpenOptions::new().write(true).open(path)?.write_all(content)
}

fn move_to(path: &Path, content: &[u8], existing: Existing) -> io::Result<()> {
    if path.file_name().is_none() || fs::metadata(path).is_ok_and(|found| found.is_dir()) {
        return Err(ErrorKind::IsADirectory.into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = create(folder)?;
    let written = file.write_all(content).and_then(|()| file.as_file().sync_all());
    // If the file is dropped before `persist`, it is removed.
    let saved = written.and_then(|()| match existing {
        Existing::Replace => file.persist(path).map_err(io::Error::from),
        Existing::Keep => file.persist_noclobber(path).map_err(io::Error::from),
    });
    *interrupt::undo() = None;
    saved.map(drop)
}

/// Creates a file of mode 0600 that is removed if the program is interrupted.
fn create(folder: &Path) -> io::Result<NamedTempFile> {
    let mut undo = interrupt::undo();
    let file = tempfile::Builder::new().prefix(".memory-debug-").suffix(".tmp").tempfile_in(folder)?;
    let path = file.path().to_owned();
    *undo = Some(Box::new(move || _ = fs::remove_file(path)));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s64_text_of_a_page_cannot_move_the_cursor() {
        assert_eq!(lines("a\u{1b}[2J\nb\u{202e}\r\n"), "a\\u{1b}[2J\nb\\u{202e}\\u{d}\n");
    }

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
    }

    #[test]
    #[cfg(unix)]
    fn s64_saved_file_is_complete_private_and_follows_no_link() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let names = || fs::read_dir(folder.path()).unwrap().count();

        save(&at("new"), b"one").unwrap();
        assert_eq!(
            (fs::read(at("new")).unwrap().as_slice(), mode(&at("new")), names()),
            (&b"one"[..], 0o600, 1)
        );
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o644)).unwrap();
        save(&at("new"), b"two").unwrap();
        assert_eq!((fs::read(at("new")).unwrap().as_slice(), mode(&at("new"))), (&b"two"[..], 0o600));

        // A link at the path itself, and at the name that a predictable temporary file would have.
        fs::write(at("victim"), "untouched").unwrap();
        symlink(at("victim"), at("link")).unwrap();
        symlink(at("victim"), at(&format!("link.{}.tmp", std::process::id()))).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        for name in ["link", "dangling"] {
            save(&at(name), b"three").unwrap();
            assert!(fs::symlink_metadata(at(name)).unwrap().is_file(), "{name}");
            assert_eq!(fs::read(at(name)).unwrap(), b"three");
        }
        assert_eq!(fs::read(at("victim")).unwrap(), b"untouched");
        assert!(!at("nowhere").exists());
        assert_eq!(names(), 5, "nothing else is left behind");
    }

    #[test]
    #[cfg(unix)]
    fn s64_existing_file_or_link_is_kept_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old"), "old").unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
        for name in ["old", "dangling"] {
            for failure in [
                require_absent(&at(name), Existing::Keep).unwrap_err(),
                save_over(&at(name), b"new", Existing::Keep).unwrap_err(),
            ] {
                let message = failure.to_string();
                assert!(
                    message.ends_with("exists already; choose another name, or pass --force to replace it")
                );
                assert!(message.contains(name), "{message}");
            }
        }
        assert_eq!(fs::read(at("old")).unwrap(), b"old");
        save_over(&at("new"), b"new", Existing::Keep).unwrap();
        assert_eq!((fs::read(at("new")).unwrap().as_slice(), mode(&at("new"))), (&b"new"[..], 0o600));
        require_absent(&at("old"), Existing::Replace).unwrap();
        require_absent(Path::new("/dev/null"), Existing::Keep).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing else is left behind");
    }

    #[test]
    #[cfg(unix)]
    fn devices_and_pipes_are_written_to_and_not_replaced() {
        use std::os::fd::AsRawFd as _;
        use std::os::unix::fs::FileTypeExt as _;

        save(Path::new("/dev/null"), b"gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let (mut reader, writer) = io::pipe().unwrap();
        save(Path::new(&format!("/dev/fd/{}", writer.as_raw_fd())), b"through").unwrap();
        drop(writer);
        let mut seen = String::new();
        io::Read::read_to_string(&mut reader, &mut seen).unwrap();
        assert_eq!(seen, "through");
    }

    #[test]
    fn failure_names_the_path_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let failure = save(folder.path(), b"x").unwrap_err().to_string();
        assert!(failure.starts_with(&folder.path().display().to_string()), "{failure}");
        let missing = folder.path().join("missing/file");
        let failure = save(&missing, b"x").unwrap_err().to_string();
        assert!(failure.starts_with(&missing.display().to_string()), "{failure}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
