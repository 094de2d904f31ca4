//! The lines of a dump.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use crate::error::{Error, ErrorKind};

/// Bound on the length of a line. A stack has at most `prof_bt_max` addresses of 19 bytes, a path at most 4096 bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// The lines of a dump, one at a time, counted from 1.
pub(super) struct Lines<R> {
    dump: R,
    number: u64,
    /// The current line, without its line break.
    pub(super) line: Vec<u8>,
    /// The next line, if `peek` read it.
    ahead: Option<Vec<u8>>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(dump: R) -> Self {
        Self { dump, number: 0, line: Vec::new(), ahead: None }
    }

    /// Goes to the next line. Returns `false` at the end of the dump.
    pub(super) fn advance(&mut self) -> Result<bool, Error> {
        let ahead = self.ahead.take();
        self.number += 1;
        match ahead {
            Some(line) => self.line = line,
            None => return self.read(),
        }
        Ok(true)
    }

    /// Returns the next line without going to it.
    pub(super) fn peek(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.ahead.is_none() {
            let line = std::mem::take(&mut self.line);
            self.number += 1;
            let found = self.read();
            self.number -= 1;
            let ahead = std::mem::replace(&mut self.line, line);
            self.ahead = found?.then_some(ahead);
        }
        Ok(self.ahead.as_deref())
    }

    fn read(&mut self) -> Result<bool, Error> {
        self.line.clear();
        let read = self.dump.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.line);
        read.map_err(|error| {
            Error::with_source(
                ErrorKind::Io,
                format!("heap dump line {}: reading failed", self.number),
                error,
            )
        })?;
        match self.line.pop() {
            None => Ok(false),
            Some(b'\n') => Ok(true),
            Some(_) => Err(self.expected("the end of the line; the dump was cut off or is not a heap dump")),
        }
    }

    pub(super) fn required(&mut self, what: &str) -> Result<(), Error> {
        if self.advance()? { Ok(()) } else { Err(self.at_end(what)) }
    }

    pub(super) fn at_end(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::HeapDump,
            format!("heap dump line {}: expected {what}, found the end of the dump", self.number),
        )
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.line)
    }

    pub(super) fn expected(&self, what: &str) -> Error {
        let found: String = String::from_utf8_lossy(&self.line).chars().take(60).collect();
        let found = found.escape_debug();
        Error::new(
            ErrorKind::HeapDump,
            format!("heap dump line {}: expected {what}, found `{found}`", self.number),
        )
    }
}
