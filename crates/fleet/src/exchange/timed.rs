//! Connections with a deadline that holds however slowly the other end reads or writes.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use crate::deadline::time_left;

/// A connection with timeouts.
pub(crate) trait Connection: Read + Write {
    /// Limits each later read to `time`.
    fn read_within(&self, time: Duration) -> io::Result<()>;

    /// Limits each later write to `time`.
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

#[cfg(unix)]
connection!(std::os::unix::net::UnixStream);
connection!(std::net::TcpStream);

/// A connection that fails with [`ErrorKind::TimedOut`] after its deadline.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    stream: S,
    end: Instant,
}

impl<S> Timed<S> {
    pub(crate) fn new(stream: S, end: Instant) -> Self {
        Self { stream, end }
    }

    /// Replaces the deadline.
    #[cfg(any(test, all(feature = "siblings", target_os = "linux")))]
    pub(crate) fn until(self, end: Instant) -> Self {
        Self { end, ..self }
    }

    fn left(&self) -> io::Result<Duration> {
        time_left(self.end).ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

impl<S: Connection> Read for Timed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read_within(self.left()?)?;
        self.stream.read(buffer).map_err(to_timeout)
    }
}

impl<S: Connection> Write for Timed<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write_within(self.left()?)?;
        self.stream.write(bytes).map_err(to_timeout)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replaces the error that sockets report for a timeout: an operation that would block.
fn to_timeout(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_client_that_never_reads_is_given_up() {
        let (stream, _takes_nothing) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut stream = Timed::new(stream, Instant::now() + Duration::from_millis(50));
        // More bytes than the system buffers for a connection.
        let failed = stream.write_all(&vec![0; 64 << 20]).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::TimedOut);
    }

    #[cfg(unix)]
    #[test]
    fn a_deadline_that_is_over_can_be_extended() {
        let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut stream = Timed::new(stream, Instant::now());
        assert_eq!(stream.write(b"x").unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(stream.until(Instant::now() + Duration::from_secs(60)).write(b"x").unwrap(), 1);
    }
}
