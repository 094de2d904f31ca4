//! Memory pressure: processes wait for memory ("PSI", `accounting/psi.rst` of the kernel's documentation).

use std::env;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::event::PollFlags;
use rustix::fs::OFlags;

use super::{Kind, Source, Woke};
use crate::reader::{KernelFile, pressure_total};

/// How long processes must have waited within a window before the kernel reports it.
const STALL_US: u64 = 150_000;

/// The trigger. The NUL is necessary: without it the kernel reads on behind the text, and refuses the trigger or takes
/// another window. Without privileges, the window must be a multiple of two seconds.
const TRIGGER: &[u8] = b"some 150000 2000000\0";

/// What the service manager says about memory pressure, see <https://systemd.io/MEMORY_PRESSURE>.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceManager {
    /// `$MEMORY_PRESSURE_WATCH`: what to open.
    pub(crate) watch: Option<PathBuf>,
    /// `$MEMORY_PRESSURE_WRITE`: what to write to it, in base64.
    pub(crate) write: Option<OsString>,
}

impl ServiceManager {
    /// Reads the variables.
    pub(crate) fn from_env() -> Self {
        Self {
            watch: env::var_os("MEMORY_PRESSURE_WATCH").map(PathBuf::from),
            write: env::var_os("MEMORY_PRESSURE_WRITE"),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        let Some(text) = &self.write else { return Ok(Vec::new()) };
        BASE64_STANDARD
            .decode(text.as_encoded_bytes())
            .map_err(|_| "$MEMORY_PRESSURE_WRITE is not base64".into())
    }
}

/// Watches what the service manager names, else the container's own pressure, else the host's if there is no limit.
pub(super) fn watch(
    manager: &ServiceManager,
    own: Option<&Path>,
    host: Option<&Path>,
    buffer: &mut [u8],
) -> Result<Source, String> {
    let mut reasons = Vec::new();
    if let Some(path) = &manager.watch {
        if path == Path::new("/dev/null") {
            return Err("$MEMORY_PRESSURE_WATCH switches it off".into());
        }
        match of_manager(path, manager, buffer) {
            Ok(source) => return Ok(source),
            Err(reason) => reasons.push(reason),
        }
    }
    let own = own.map(|folder| (folder, "memory.pressure", "memory.pressure of the container"));
    let host = host.map(|folder| (folder, "memory", "/proc/pressure/memory"));
    for (folder, file, name) in own.into_iter().chain(host) {
        match arm(&folder.join(file), KernelFile::new(folder, file), name, TRIGGER, buffer) {
            Ok(source) => return Ok(source),
            Err(error) => reasons.push(format!("{name}: {}", reason(&error))),
        }
    }
    if reasons.is_empty() {
        reasons.push("version 1 control groups do not have it".into());
    }
    Err(reasons.join("; "))
}

/// What the kernel's refusal means.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidInput => "the kernel refuses the trigger; it may be older than 6.4".into(),
        io::ErrorKind::PermissionDenied => "permission denied; the container has it read-only".into(),
        kind => kind.to_string(),
    }
}

/// Opens what the service manager names: a pressure file, a fifo or a socket.
fn of_manager(path: &Path, manager: &ServiceManager, buffer: &mut [u8]) -> Result<Source, String> {
    if !path.is_absolute() {
        return Err("$MEMORY_PRESSURE_WATCH is not an absolute path".into());
    }
    let failed = |error: io::Error| format!("$MEMORY_PRESSURE_WATCH: {}", reason(&error));
    let bytes = manager.bytes()?;
    let kind = path.metadata().map_err(failed)?.file_type();
    let stream = |fd| Source::new("$MEMORY_PRESSURE_WATCH".into(), fd, PollFlags::IN, Kind::Stream);
    if kind.is_socket() {
        let mut socket = UnixStream::connect(path).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        socket.write_all(&bytes).map_err(failed)?;
        return Ok(stream(OwnedFd::from(socket)));
    }
    if kind.is_fifo() {
        // With both directions, the fifo does not end when the other side closes it for a while.
        let mut fifo = open(path, true).or_else(|_| open(path, false)).map_err(failed)?;
        fifo.write_all(&bytes).map_err(failed)?;
        return Ok(stream(OwnedFd::from(fifo)));
    }
    let Some((folder, file)) = path.parent().zip(path.file_name().and_then(|name| name.to_str())) else {
        return Err("$MEMORY_PRESSURE_WATCH names no file".into());
    };
    // The two names that the kernel has. Another name is a copy of one of them, for its `total`.
    let file = KernelFile::new(folder, if file == "memory" { "memory" } else { "memory.pressure" });
    arm(path, file, "$MEMORY_PRESSURE_WATCH", &bytes, buffer).map_err(failed)
}

/// Writes the trigger to a pressure file.
fn arm(path: &Path, file: KernelFile, name: &str, trigger: &[u8], buffer: &mut [u8]) -> io::Result<Source> {
    // The total is read first, so that it does not include the first stall that the trigger reports.
    let stall = Stall { reported: pressure_total(&file, buffer).ok(), file, least_us: stall_us(trigger) };
    let mut opened = open(path, true)?;
    // One write, because each write is a trigger of its own.
    let written = opened.write(trigger)?;
    if written != trigger.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(Source::new(name.into(), opened.into(), PollFlags::PRI, Kind::Stall(stall)))
}

fn open(path: &Path, writes: bool) -> io::Result<File> {
    // The same bits on every architecture of Linux as the standard library's own flags.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).write(writes).custom_flags(flags.bits().cast_signed()).open(path)
}

/// The stall of a trigger in microseconds: `some 150000 2000000`.
fn stall_us(trigger: &[u8]) -> u64 {
    let text = std::str::from_utf8(trigger).unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(STALL_US)
}

/// Checks that the kernel's report is true.
///
/// A trigger without privileges fires once although nothing stalled, because the kernel starts its counter from the
/// wrong number.
#[derive(Debug)]
pub(super) struct Stall {
    file: KernelFile,
    /// The total of the last report. `None` if it cannot be read; then every report counts.
    reported: Option<u64>,
    least_us: u64,
}

impl Stall {
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> Woke {
        let Some((reported, total)) = self.reported.zip(pressure_total(&self.file, buffer).ok()) else {
            return Woke::Yes;
        };
        if total.saturating_sub(reported) < self.least_us {
            return Woke::Falsely;
        }
        self.reported = Some(total);
        Woke::Yes
    }
}
