//! A reader for protobuf messages, one field at a time. A profile is never decoded as a whole, because a malicious
//! file could take thirty times its length in memory.

use std::ops::Range;

use crate::error::Error;

/// Bound on the length of a message within a profile. A stack of 128 calls with its labels has less than 2 KB.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// Valid tags of fields.
const TAGS: Range<u64> = 1..1 << 29;

/// A field of a protobuf message.
#[derive(Debug, PartialEq)]
pub(super) enum Field<'m> {
    /// A whole number.
    Number(u64),
    /// A text, a message or packed numbers.
    Bytes(&'m [u8]),
    /// Four or eight bytes. No known field has this type.
    Fixed,
}

/// The fields of a message, with their tags. Ends after the first error.
pub(super) struct Fields<'m> {
    rest: &'m [u8],
}

impl<'m> Fields<'m> {
    pub(super) fn of(message: &'m [u8]) -> Self {
        Self { rest: message }
    }

    /// Reads the next field. There must be one.
    fn next_field(&mut self) -> Result<(u64, Field<'m>), Error> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            1 => self.take(8).map(|_| Field::Fixed)?,
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Fixed)?,
            _ => return Err(broken()),
        };
        Ok((key >> 3, field))
    }

    /// Reads seven bits per byte, the low ones first.
    fn varint(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or_else(broken)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            // The tenth byte holds one bit.
            if shift == 63 && *byte > 1 {
                break;
            }
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
        while !self.rest.is_empty() {
            match self.next_field() {
                // No field of a profile has this type, but a later version of the format can add one.
                Ok((_, Field::Fixed)) => {}
                Ok(field) => return Some(Ok(field)),
                Err(error) => {
                    self.rest = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl Field<'_> {
    pub(super) fn number(&self) -> Result<u64, Error> {
        if let Self::Number(number) = self { Ok(*number) } else { Err(broken()) }
    }

    /// Appends a message of numbers with tags up to `last`.
    pub(super) fn append_numbers_to(&self, messages: &mut Vec<Numbers>, last: u64) -> Result<(), Error> {
        let Self::Bytes(bytes) = self else { return Err(broken()) };
        messages.push(Numbers::read(bytes, last)?);
        Ok(())
    }

    /// Appends repeated numbers. They are packed, or one per field.
    pub(super) fn append_to(&self, numbers: &mut Vec<u64>) -> Result<(), Error> {
        match self {
            Field::Number(number) => numbers.push(*number),
            Field::Bytes(bytes) if bytes.len() > MAX_MESSAGE_BYTES => {
                return Err(Error::pprof(format!("a list in it is longer than {MAX_MESSAGE_BYTES} bytes")));
            }
            Field::Bytes(bytes) => {
                let mut packed = Fields::of(bytes);
                while !packed.rest.is_empty() {
                    numbers.push(packed.varint()?);
                }
            }
            Field::Fixed => return Err(broken()),
        }
        Ok(())
    }
}

/// Calls `read` for every field of a message within a profile.
pub(super) fn each_field<'m>(
    message: &'m [u8],
    mut read: impl FnMut(u64, Field<'m>) -> Result<(), Error>,
) -> Result<(), Error> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Error::pprof(format!("a message in it is longer than {MAX_MESSAGE_BYTES} bytes")));
    }
    let mut fields = Fields::of(message);
    while !fields.rest.is_empty() {
        let (tag, field) = fields.next_field()?;
        if !TAGS.contains(&tag) {
            return Err(broken());
        }
        read(tag, field)?;
    }
    Ok(())
}

/// A message within a profile that consists of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers([u64; 11]);

impl Numbers {
    /// Reads the fields up to the tag `last`, which is at most 10, and skips all others.
    pub(super) fn read(message: &[u8], last: u64) -> Result<Self, Error> {
        let mut numbers = Self([0; 11]);
        each_field(message, |tag, field| {
            if tag <= last {
                numbers.0[tag as usize] = field.number()?;
            }
            Ok(())
        })?;
        Ok(numbers)
    }

    /// The number of a field. 0 if the field is missing, and the last number if it is repeated.
    pub(super) fn get(&self, tag: u64) -> u64 {
        self.0[tag as usize]
    }
}

/// The error for bytes that are not a message in protobuf's encoding.
fn broken() -> Error {
    Error::pprof("is not a message of profile.proto")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Error> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn reads_fields_and_skips_fixed_ones() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 2, 3, 4, 0x20, 7];
        let expected = [(1, Field::Number(150)), (2, Field::Bytes(b"hi")), (4, Field::Number(7))];
        assert_eq!(fields(&bytes).unwrap(), expected);
        assert_eq!(fields(&[0x1d, 1, 2, 3, 4]).unwrap(), []);
        assert_eq!(fields(&[]).unwrap(), []);
    }

    #[test]
    fn rejects_truncated_and_overlong_fields() {
        let endless = [0xff; 11];
        let too_far = [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        for bytes in [&[0x08][..], &[0x12, 2, b'h'], &[0x1d, 1], &[0x0b], &endless, &too_far] {
            assert!(fields(bytes).is_err(), "{bytes:?}");
        }
    }
}
