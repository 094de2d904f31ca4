//! A body buffer with a size limit.

use std::{fmt, io};

use bytes::Bytes;

/// A body in memory with a size limit.
///
/// A write that would exceed the limit fails, so a page that is too large is never in memory as a whole.
#[derive(Debug)]
pub(crate) struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    is_full: bool,
}

/// The initial capacity. It doubles as the body grows.
const FIRST_BYTES: usize = 8 << 10;

impl Bounded {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, is_full: false }
    }

    /// Whether a write was refused.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Marks the body as full, because a part of it was truncated.
    #[cfg(feature = "flamegraph")]
    pub(crate) fn refuse(&mut self) {
        self.is_full = true;
    }

    /// Empties the body and keeps its capacity.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.is_full = false;
    }

    /// Replaces the first byte with `text`.
    pub(crate) fn replace_first(&mut self, text: &str) {
        let more = text.len().saturating_sub(1);
        if self.has_room(more) {
            self.bytes.splice(..self.bytes.len().min(1), text.bytes());
        }
    }

    #[cfg(feature = "flamegraph")]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }

    /// Reserves capacity for `more` bytes if the limit allows them.
    fn has_room(&mut self, more: usize) -> bool {
        let length = self.bytes.len().saturating_add(more);
        if length > self.limit {
            self.is_full = true;
            return false;
        }
        if length > self.bytes.capacity() {
            let capacity = self.bytes.capacity().saturating_mul(2).max(FIRST_BYTES).min(self.limit);
            self.bytes.reserve_exact(capacity.max(length) - self.bytes.len());
        }
        true
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.has_room(bytes.len()) {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the body exceeds its limit"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        io::Write::write_all(self, text.as_bytes()).map_err(|_full| fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn s45_a_body_never_grows_beyond_its_limit() {
        let mut body = Bounded::new(100_000);
        body.write_all(&[b'x'; 60_000]).unwrap();
        body.write_all(&[b'x'; 40_000]).unwrap();
        assert!(!body.is_full() && body.bytes.capacity() <= 100_000);
        assert_eq!(body.write_all(b"x").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(body.is_full() && fmt::Write::write_str(&mut body, "x").is_err());
        assert_eq!((body.bytes.len(), body.bytes.capacity()), (100_000, 100_000));
    }

    #[test]
    fn a_cleared_body_keeps_its_capacity() {
        let mut body = Bounded::new(9);
        assert!(body.write_all(b"0123456789").is_err());
        body.clear();
        body.write_all(b"{ 1 }").unwrap();
        body.replace_first("{ 0,");
        assert_eq!((body.is_full(), &body.bytes[..]), (false, &b"{ 0, 1 }"[..]));
        body.replace_first("too long");
        assert!(body.is_full());
        assert_eq!(body.into_bytes(), "{ 0, 1 }");
    }
}
