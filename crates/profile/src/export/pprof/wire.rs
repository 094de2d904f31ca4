//! The fields of a message, one at a time: a profile is never in memory as messages, which would take thirty times what
//! it is long if it was made for that.

use prost::Message;

use super::decode::refused;
use crate::error::Error;

/// Longest message within a profile. A stack of 128 calls with its labels has less than 2 KB.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// A field of a message in the encoding of protocol buffers.
#[derive(Debug, PartialEq)]
pub(super) enum Field<'m> {
    /// A whole number.
    Number(u64),
    /// A text, a message or several numbers.
    Bytes(&'m [u8]),
}

/// Fields with their tags. Ends after the first error.
pub(super) struct Fields<'m> {
    rest: &'m [u8],
}

impl<'m> Fields<'m> {
    pub(super) fn of(message: &'m [u8]) -> Self {
        Self { rest: message }
    }

    fn next_field(&mut self) -> Result<Option<(u64, Field<'m>)>, Error> {
        loop {
            let key = self.varint()?;
            let (tag, wire_type) = (key >> 3, key & 7);
            return Ok(Some(match wire_type {
                0 => (tag, Field::Number(self.varint()?)),
                2 => {
                    let length = self.varint()?;
                    (tag, Field::Bytes(self.take(length)?))
                }
                // No field of a profile is one of these; who knows what comes after is free to add some.
                1 | 5 => {
                    self.take(if wire_type == 1 { 8 } else { 4 })?;
                    if self.rest.is_empty() {
                        return Ok(None);
                    }
                    continue;
                }
                _ => return Err(broken()),
            }));
        }
    }

    /// Seven bits a byte, the low ones first.
    fn varint(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or_else(broken)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(broken())
    }

    fn take(&mut self, length: u64) -> Result<&'m [u8], Error> {
        let length = usize::try_from(length).map_err(|_| broken())?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(broken)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'m> Iterator for Fields<'m> {
    type Item = Result<(u64, Field<'m>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.next_field().transpose();
        if matches!(field, Some(Err(_))) {
            self.rest = &[];
        }
        field
    }
}

/// Reads a message within a profile.
pub(super) fn message<M: Message + Default>(bytes: &[u8]) -> Result<M, Error> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(refused(format!("a message in it is longer than {MAX_MESSAGE_BYTES} bytes")));
    }
    M::decode(bytes).map_err(|_| broken())
}

/// Reads numbers that are written together.
pub(super) fn packed(bytes: &[u8]) -> Result<Vec<u64>, Error> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(refused(format!("a list in it is longer than {MAX_MESSAGE_BYTES} bytes")));
    }
    let mut fields = Fields::of(bytes);
    let mut numbers = Vec::new();
    while !fields.rest.is_empty() {
        numbers.push(fields.varint()?);
    }
    Ok(numbers)
}

fn broken() -> Error {
    refused("is no message of profile.proto".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Error> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn fields_are_read_with_their_tags_and_fixed_ones_passed_over() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 2, 3, 4, 0x20, 7];
        let expected = [(1, Field::Number(150)), (2, Field::Bytes(b"hi")), (4, Field::Number(7))];
        assert_eq!(fields(&bytes).unwrap(), expected);
        assert_eq!(fields(&[0x1d, 1, 2, 3, 4]).unwrap(), []);
        assert_eq!(fields(&[]).unwrap(), []);
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_an_error() {
        let endless = [0xff; 11];
        let too_far = [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        for bytes in [&[0x08][..], &[0x12, 2, b'h'], &[0x1d, 1], &[0x0b], &endless, &too_far] {
            assert!(fields(bytes).is_err(), "{bytes:?}");
        }
    }
}
