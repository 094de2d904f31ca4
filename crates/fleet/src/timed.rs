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
    between(Instant::now(), end)
}

/// The system takes microseconds, and none of them for ever.
fn between(now: Instant, end: Instant) -> Option<Duration> {
    end.checked_duration_since(now).filter(|left| left.as_micros() > 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_the_system_can_count_is_nothing_left() {
        let now = Instant::now();
        for (nanos, left) in
            [(0, None), (999, None), (1000, Some(1000)), (5_000_000_999, Some(5_000_000_999))]
        {
            assert_eq!(
                between(now, now + Duration::from_nanos(nanos)),
                left.map(Duration::from_nanos),
                "{nanos}"
            );
        }
        assert_eq!(between(now + Duration::from_secs(1), now), None);
    }

    #[cfg(all(feature = "fleet", target_os = "linux"))]
    #[test]
    fn who_takes_nothing_is_given_up() {
        let (stream, _takes_nothing) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut stream = Timed::new(stream, Instant::now() + Duration::from_millis(50));
        // More than the system keeps for a connection.
        let failed = stream.write_all(&vec![0; 64 << 20]).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::TimedOut);
    }

    #[cfg(all(feature = "fleet", target_os = "linux"))]
    #[test]
    fn what_is_over_can_be_given_more_time() {
        let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut stream = Timed::new(stream, Instant::now());
        assert_eq!(stream.write(b"x").unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(stream.until(Instant::now() + Duration::from_secs(60)).write(b"x").unwrap(), 1);
    }
}
