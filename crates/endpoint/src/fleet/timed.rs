//! A connection that ends at a moment, however slowly its other end reads or writes.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// A connection whose reading and writing can be given a time.
pub(crate) trait Connection: Read + Write {
    fn read_within(&self, time: Duration) -> io::Result<()>;
    fn write_within(&self, time: Duration) -> io::Result<()>;
}

macro_rules! connection {
    ($stream:ty) => {
        impl Connection for $stream {
            fn read_within(&self, time: Duration) -> io::Result<()> {
                self.set_read_timeout(Some(time))
            }

            fn write_within(&self, time: Duration) -> io::Result<()> {
                self.set_write_timeout(Some(time))
            }
        }
    };
}

#[cfg(all(feature = "fleet", target_os = "linux"))]
connection!(std::os::unix::net::UnixStream);
#[cfg(feature = "peers")]
connection!(std::net::TcpStream);

#[derive(Debug)]
pub(crate) struct Timed<S> {
    stream: S,
    end: Instant,
}

impl<S> Timed<S> {
    pub(crate) fn new(stream: S, end: Instant) -> Self {
        Self { stream, end }
    }

    /// The same with another end.
    #[cfg(all(feature = "fleet", target_os = "linux"))]
    pub(crate) fn until(self, end: Instant) -> Self {
        Self { end, ..self }
    }

    fn left(&self) -> io::Result<Duration> {
        left(self.end).ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

/// What is left until `end`, if anything is.
pub(crate) fn left(end: Instant) -> Option<Duration> {
    // The system takes microseconds, and none of them for ever.
    end.checked_duration_since(Instant::now()).filter(|left| left.as_micros() > 0)
}

impl<S: Connection> Read for Timed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read_within(self.left()?)?;
        self.stream.read(buffer).map_err(told)
    }
}

impl<S: Connection> Write for Timed<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write_within(self.left()?)?;
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
