//! Messages of `profile.proto`, read without its schema: fields by number.

/// Fields in the order in which they were written.
pub(crate) struct Message(Vec<(u32, Value)>);

enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Message {
    pub(crate) fn parse(mut bytes: &[u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let value = match key & 7 {
                0 => Value::Number(varint(&mut bytes)),
                2 => {
                    let length = varint(&mut bytes) as usize;
                    let (value, rest) = bytes.split_at(length);
                    bytes = rest;
                    Value::Bytes(value.to_vec())
                }
                other => panic!("profiles have no fields of wire type {other}"),
            };
            fields.push((u32::try_from(key >> 3).unwrap(), value));
        }
        Self(fields)
    }

    /// The number in `field`, or 0 if it is missing, as in protobuf.
    pub(crate) fn number(&self, field: u32) -> u64 {
        let mut numbers = self.0.iter().filter_map(|(known, value)| match value {
            Value::Number(number) if *known == field => Some(*number),
            _ => None,
        });
        // The last one counts if there are several.
        numbers.next_back().unwrap_or_default()
    }

    pub(crate) fn messages(&self, field: u32) -> impl Iterator<Item = Self> {
        self.bytes(field).map(Self::parse)
    }

    /// Returns the string table of a profile.
    pub(crate) fn strings(&self) -> Vec<String> {
        self.bytes(6).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
    }

    fn bytes(&self, field: u32) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter_map(move |(known, value)| match value {
            Value::Bytes(bytes) if *known == field => Some(bytes.as_slice()),
            _ => None,
        })
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let length = bytes.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let (digits, rest) = bytes.split_at(length);
    *bytes = rest;
    digits.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
}
