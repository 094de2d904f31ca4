//! Where results go.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _, stdout};
use std::path::Path;

use crate::failure::Failure;
use crate::interrupt;

/// Writes to standard output. A reader that has seen enough (`head`) is no failure.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::local(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// `value` as JSON, indented, with a newline at the end.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| Failure::local(error.to_string()))?;
    print(json + "\n")
}

/// Writes a file that is whole or not there: into another beside it first, which then takes its place.
pub(crate) fn save(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::local(format!("{}: {error}", path.display()));
    let mut name = path.file_name().ok_or_else(|| failed(ErrorKind::IsADirectory.into()))?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = interrupt::while_writing(&temporary, || {
        File::create(&temporary)
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, path))
    });
    written.map_err(|error| {
        // There may be nothing to remove.
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}
