//! A file of logins that can be replaced while the service runs.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use super::error::CredentialsError;
use super::login::Login;
use crate::audit;
use crate::rate_limit::RateLimit;

/// The minimum time between two checks of the file.
const INTERVAL: Duration = Duration::from_secs(1);

/// The logins in a file, which is read again when it changes.
///
/// Nothing watches the file in the background. Requests check it when a check is due, which costs one `stat`.
/// The file is read only if it has changed.
pub(super) struct WatchedFile {
    path: PathBuf,
    parse: Parse,
    rate_limit: RateLimit,
    seen: Mutex<Option<Stamp>>,
    logins: RwLock<Arc<Vec<Login>>>,
}

/// Reads and parses the file.
pub(super) type Parse = Box<dyn Fn(&Path) -> Result<Vec<Login>, CredentialsError> + Send + Sync>;

/// The identity of one version of a file, through all symbolic links. Kubernetes replaces a mounted secret by
/// pointing a link at another folder.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    /// The device, the inode, and the time of the last inode change in seconds and nanoseconds.
    identity: [u64; 4],
}

impl WatchedFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    ///
    /// The error of `parse`.
    pub(super) fn open(path: &Path, parse: Parse) -> Result<Self, CredentialsError> {
        // Stamped before it is read: if the file is replaced in between, it is only read once more.
        let seen = Stamp::read(path).ok();
        let logins = parse(path)?;
        let path = path.to_owned();
        Ok(Self {
            path,
            parse,
            rate_limit: RateLimit::new(INTERVAL),
            seen: Mutex::new(seen),
            logins: RwLock::new(Arc::new(logins)),
        })
    }

    /// The logins that were last read.
    pub(super) fn logins(&self) -> Arc<Vec<Login>> {
        Arc::clone(&self.logins.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks the file if the last check was more than a second ago, and reloads it if it has changed. If it
    /// cannot be read or parsed, the old logins stay in force and the next check tries again.
    pub(super) fn refresh(&self, now: Instant) {
        if !self.rate_limit.allows(now) {
            return;
        }
        // If another thread is still reading after a second, it reads for this one too.
        let Ok(mut seen) = self.seen.try_lock() else { return };
        // If the file is missing, let reading it report the error.
        let stamp = Stamp::read(&self.path).ok();
        if stamp.is_some() && stamp == *seen {
            return;
        }
        match (self.parse)(&self.path) {
            Ok(logins) => {
                *self.logins.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(logins);
                *seen = stamp;
                audit::credentials_replaced(&self.path);
            }
            Err(error) => audit::credentials_kept(&error),
        }
    }
}

impl Stamp {
    fn read(path: &Path) -> io::Result<Self> {
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
