//! A file of logins that may be replaced while the service runs.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use super::error::CredentialsError;
use super::login::Login;
use crate::audit;
use crate::auth::swap::Swap;
use crate::rate_limit::Pace;

/// How often the file is looked at, at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// The logins in a file, read again when it is another one.
///
/// Nothing watches it: whoever needs the logins asks first whether a look is due. It costs one `stat`, and only if
/// that tells of a change the file is read.
pub(super) struct WatchedFile {
    path: PathBuf,
    parse: Parse,
    pace: Pace,
    seen: Mutex<Option<Stamp>>,
    logins: Swap<Vec<Login>>,
}

/// Reads and understands the file.
pub(super) type Parse = Box<dyn Fn(&Path) -> Result<Vec<Login>, CredentialsError> + Send + Sync>;

/// What tells one version of a file from another, through all symbolic links: Kubernetes replaces a mounted secret by
/// pointing a link to another folder.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    /// Device, inode, and seconds and nanoseconds of the last change of the inode.
    identity: [u64; 4],
}

impl WatchedFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    ///
    /// What `parse` says.
    pub(super) fn open(path: &Path, parse: Parse) -> Result<Self, CredentialsError> {
        // Looked at before it is read: replaced in between, it is just read once more.
        let seen = Stamp::of(path).ok();
        let logins = parse(path)?;
        let path = path.to_owned();
        Ok(Self {
            path,
            parse,
            pace: Pace::new(INTERVAL),
            seen: Mutex::new(seen),
            logins: Swap::new(Arc::new(logins)),
        })
    }

    /// The logins as last read.
    pub(super) fn logins(&self) -> Arc<Vec<Login>> {
        self.logins.load()
    }

    /// Looks whether the file is another, if that was not done within the last second. One that cannot be read or
    /// understood changes nothing, and is tried again.
    pub(super) fn refresh(&self, now: Instant) {
        if !self.pace.allows(now) {
            return;
        }
        // Whoever still reads after a second does so for the rest too.
        let Ok(mut seen) = self.seen.try_lock() else { return };
        // Where the file is gone, reading it says so best.
        let stamp = Stamp::of(&self.path).ok();
        if stamp.is_some() && stamp == *seen {
            return;
        }
        match (self.parse)(&self.path) {
            Ok(logins) => {
                self.logins.store(Arc::new(logins));
                *seen = stamp;
                audit::credentials_replaced(&self.path);
            }
            Err(error) => audit::credentials_kept(&error),
        }
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { modified: metadata.modified().ok(), bytes: metadata.len(), identity: identity(&metadata) })
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> [u64; 4] {
    use std::os::unix::fs::MetadataExt as _;
    [metadata.dev(), metadata.ino(), metadata.ctime().cast_unsigned(), metadata.ctime_nsec().cast_unsigned()]
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> [u64; 4] {
    [0; 4]
}
