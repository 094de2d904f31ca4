//! Build-ids, which identify a program independent of where its file is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The identity that the linker gave a file (`NT_GNU_BUILD_ID`). Files with equal ids were built from the same code,
/// stripped or not. As text, and in serialized profiles, it is lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildId(Box<[u8]>);

impl BuildId {
    /// Returns `None` for zero bytes, which would match every file.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self(bytes.into()))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
        let digits = text.as_bytes().chunks(2).map(|digits| {
            let [high, low] = digits else { return None };
            u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
        });
        Self::from_bytes(&digits.collect::<Option<Vec<u8>>>()?)
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildId({self})")
    }
}

impl Serialize for BuildId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BuildId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("a build-id is an even number of lower-case hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_an_id() {
        let id = BuildId::from_bytes(&[0xab, 0x00, 0x1f]).unwrap();
        assert_eq!(id.to_string(), "ab001f");
        assert_eq!(BuildId::parse("ab001f"), Some(id));
    }

    #[test]
    fn rejects_invalid_ids() {
        for text in ["", "a", "abc", "AB", "+1", "0x", "é"] {
            assert_eq!(BuildId::parse(text), None, "{text}");
        }
        assert_eq!(BuildId::from_bytes(&[]), None);
    }
}
