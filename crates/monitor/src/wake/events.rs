//! Events of the container: its limit was reached, or a process was killed.

use std::path::Path;

use rustix::event::PollFlags;
use rustix::fs::inotify;

use super::{Kind, Source};

/// Watches `memory.events` of a group, which includes the groups below it. This needs no write access.
pub(super) fn watch(folder: &Path) -> Result<Source, String> {
    let failed = |errno: rustix::io::Errno| format!("memory.events: {}", std::io::Error::from(errno).kind());
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let fd = inotify::init(flags).map_err(failed)?;
    let file = folder.join("memory.events");
    inotify::add_watch(&fd, &file, inotify::WatchFlags::MODIFY).map_err(failed)?;
    Ok(Source::new("memory.events of the container".into(), fd, PollFlags::IN, Kind::Events))
}
