//! A connection that ends at a moment, however slowly its other end reads or writes.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Timed {
    stream: UnixStream,
    end: Instant,
}

impl Timed {
    pub(super) fn new(stream: UnixStream, end: Instant) -> Self {
        Self { stream, end }
    }

    /// The same with another end.
    pub(super) fn until(self, end: Instant) -> Self {
        Self { end, ..self }
    }

    fn left(&self) -> io::Result<Duration> {
        left(self.end).ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

/// What is left until `end`, if anything is.
pub(super) fn left(end: Instant) -> Option<Duration> {
    // The system takes microseconds, and none of them for ever.
    end.checked_duration_since(Instant::now()).filter(|left| left.as_micros() > 0)
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer).map_err(told)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes).map_err(told)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A time that is over is an operation that would block, to sockets.
fn told(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}
