//! The search for the control group that this process's memory is charged to.

use std::path::{Component, Path, PathBuf};

use memory_debug_report::__private::{NO_CONTROLLER, NO_GROUP};

use crate::kernel_file;

/// The version of the interface that has the memory controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Version {
    /// Name of the file that states how much memory is charged to a group.
    pub(super) fn usage_file(self) -> &'static str {
        match self {
            Self::One => "memory.usage_in_bytes",
            Self::Two => "memory.current",
        }
    }
}

/// The longest path of a group in a report, in bytes.
const MAX_PATH_BYTES: usize = 400;

/// The location of a control group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) version: Version,
    /// The folder of the group.
    pub(super) group: PathBuf,
    /// The topmost visible folder: the mount point of the hierarchy, or of the visible part of it.
    mount_point: PathBuf,
}

impl Folder {
    /// The group, its parent and so on up to the mount point.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = &Path> {
        self.group.ancestors().take_while(|folder| folder.starts_with(&self.mount_point))
    }

    /// The path of `folder` below the mount point, and `/` for the mount point itself. A path longer than
    /// [`MAX_PATH_BYTES`] loses its beginning and starts with `…`, because its end says more.
    pub(super) fn path_of(&self, folder: &Path) -> String {
        let below = folder.strip_prefix(&self.mount_point).unwrap_or(folder);
        let path = format!("/{}", below.to_string_lossy());
        let excess = path.len().saturating_sub(MAX_PATH_BYTES);
        let kept = (excess..=path.len()).find_map(|start| path.get(start..)).unwrap_or_default();
        if excess == 0 { path } else { format!("…{kept}") }
    }
}

/// Finds the group by `self/cgroup` and `self/mountinfo` below `root`.
///
/// # Errors
///
/// If the search failed. The message says at which step.
pub(super) fn find(root: &Path) -> Result<Folder, String> {
    let membership = kernel_file::read_proc(root, "self/cgroup")?;
    let (version, path) = membership_of_memory(&membership).ok_or(NO_GROUP)?;
    let mounts = kernel_file::read_proc(root, "self/mountinfo")?;
    let mut folder = mounts
        .lines()
        .filter_map(Mount::parse)
        .filter(|mount| mount.serves(version))
        .find_map(|mount| mount.folder(version, path))
        .ok_or("the file system of the process's control group is not mounted here")?;
    // In version 2, a group without the memory controller is charged to the nearest ancestor that has it.
    let charged = folder.ancestors().find(|folder| folder.join(version.usage_file()).exists());
    folder.group = charged.ok_or(NO_CONTROLLER)?.to_owned();
    Ok(folder)
}

/// The version and the path of the group with the memory controller. If both versions are in use (hybrid), the
/// controller is in version 1 if a line there names it, and in version 2 otherwise.
fn membership_of_memory(text: &str) -> Option<(Version, &str)> {
    let groups = || {
        text.lines().filter_map(|line| {
            let (_, line) = line.split_once(':')?;
            line.split_once(':')
        })
    };
    let one =
        groups().find(|(controllers, _)| controllers.split(',').any(|controller| controller == "memory"));
    let two = groups().find(|(controllers, _)| controllers.is_empty());
    one.map(|(_, path)| (Version::One, path)).or(two.map(|(_, path)| (Version::Two, path)))
}

/// One line of `mountinfo`:
/// `36 35 98:0 /root /mount/point rw,noatime master:1 - type source rw,super,options`.
struct Mount<'a> {
    root: PathBuf,
    mount_point: PathBuf,
    file_system: &'a str,
    super_options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut file_system = file_system.split(' ');
        Some(Self {
            root: unescape(mount.next()?),
            mount_point: unescape(mount.next()?),
            file_system: file_system.next()?,
            super_options: file_system.nth(1).unwrap_or_default(),
        })
    }

    fn serves(&self, version: Version) -> bool {
        match version {
            Version::Two => self.file_system == "cgroup2",
            Version::One => {
                self.file_system == "cgroup" && self.super_options.split(',').any(|option| option == "memory")
            }
        }
    }

    /// The folder of the group at `path` of the hierarchy, if this mount shows it.
    fn folder(self, version: Version, path: &str) -> Option<Folder> {
        let path = Path::new(path);
        // `..` leads out of the control group namespace, to groups that this process may not read.
        if path.components().any(|component| component == Component::ParentDir) {
            return None;
        }
        let below = path.strip_prefix(&self.root).ok()?;
        Some(Folder { version, group: self.mount_point.join(below), mount_point: self.mount_point })
    }
}

/// Undoes the octal escapes of white space and backslashes: `/mnt/a\040b`.
fn unescape(text: &str) -> PathBuf {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.map_or('\\', char::from));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    plain.push_str(rest);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_wins_if_it_has_the_memory_controller() {
        let hybrid = "12:cpu,cpuacct:/a\n5:memory:/docker/abc\n0::/system.slice\n";
        assert_eq!(membership_of_memory(hybrid), Some((Version::One, "/docker/abc")));
        assert_eq!(membership_of_memory("1:name=systemd:/s\n0::/x:y\n"), Some((Version::Two, "/x:y")));
        assert_eq!(membership_of_memory("1:name=systemd:/s\n"), None);
        assert_eq!(membership_of_memory("nonsense\n"), None);
    }

    #[test]
    fn mount_points_are_unescaped() {
        assert_eq!(unescape(r"/a\040b\134c"), Path::new(r"/a b\c"));
        assert_eq!(unescape(r"/a\9"), Path::new(r"/a\9"));
        assert_eq!(unescape(r"\"), Path::new(r"\"));
        assert_eq!(unescape("\\é0"), Path::new("\\é0"));
    }

    #[test]
    fn skips_a_line_that_is_too_short() {
        for line in ["", "1 2", " - ", "36 35 98:0 / - cgroup2"] {
            assert!(Mount::parse(line).is_none(), "{line}");
        }
    }
}
