//! A writer for protobuf messages, field by field.

use std::io::{self, Write};

/// The encoded fields of a message.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// The encoded fields.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The encoded fields, as a value of their own.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends a whole number, unless it is 0, the value of a missing field.
    pub fn number(&mut self, tag: u64, number: u64) {
        if number != 0 {
            push_varint(&mut self.0, tag << 3);
            push_varint(&mut self.0, number);
        }
    }

    /// Appends a text, a message or packed numbers.
    pub fn bytes(&mut self, tag: u64, bytes: &[u8]) {
        push_varint(&mut self.0, tag << 3 | 2);
        push_varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Appends packed numbers, or nothing if `numbers` is empty. `packed` is scratch space.
    pub fn numbers(&mut self, tag: u64, numbers: impl IntoIterator<Item = u64>, packed: &mut Vec<u8>) {
        packed.clear();
        numbers.into_iter().for_each(|number| push_varint(packed, number));
        if !packed.is_empty() {
            self.bytes(tag, packed);
        }
    }

    /// Appends encoded fields.
    pub fn fields(&mut self, fields: &[u8]) {
        self.0.extend_from_slice(fields);
    }

    /// Writes the fields to `out`, and removes them.
    pub fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.0)?;
        self.0.clear();
        Ok(())
    }

    /// Writes the fields to `out`, and removes them, once there are `length` bytes.
    pub fn write_from(&mut self, length: usize, out: &mut impl Write) -> io::Result<()> {
        if self.0.len() < length { Ok(()) } else { self.write_to(out) }
    }

    /// Removes the fields.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Appends seven bits per byte, the low ones first.
fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Sample {
        #[prost(uint64, repeated, tag = "1")]
        location_id: Vec<u64>,
        #[prost(int64, repeated, tag = "2")]
        value: Vec<i64>,
    }

    #[test]
    fn writes_the_same_fields_as_another_encoder() {
        let numbers = [0, 1, 0x7f, 0x80, 1 << 35, u64::MAX];
        let sample = Sample { location_id: numbers.to_vec(), value: vec![-1, i64::MAX, 0] };
        let mut message = Message::default();
        message.numbers(1, numbers, &mut Vec::new());
        message.numbers(2, sample.value.iter().map(|value| value.cast_unsigned()), &mut Vec::new());
        message.numbers(3, [], &mut Vec::new());
        message.number(4, 0);
        assert_eq!(message.0, sample.encode_to_vec());
    }
}
