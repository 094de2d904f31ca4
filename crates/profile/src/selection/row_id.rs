//! The identity of a row of the table of types.

use std::fmt;
use std::str::FromStr;

use memory_debug_formats::__private::{FNV_BEGIN, fnv1a};

/// Identifies a row in every table of types: of this process and of others, now and later.
///
/// It is a hash, so two rows of one table can have the same id, although that is unlikely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(u64);

/// Text is no row's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRowId;

impl RowId {
    /// The id of a row with this name and full type. `is_attributed` is false for the row of a function.
    ///
    /// One table may qualify a name that another does not, so only the place in it counts: the function and file of
    /// `Vec<u8> in read_body (src/upload.rs)`.
    pub fn of(name: &str, full_type: &str, is_attributed: bool) -> Self {
        let place = name.split_once(" in ").map_or("", |(_, place)| place);
        let mark: &[u8] = if is_attributed { b"t" } else { b"f" };
        let bytes = [mark, full_type.as_bytes(), b"\0", place.as_bytes()];
        // FNV-1a: ids stay the same over versions of this crate and of the compiler.
        Self(bytes.into_iter().fold(FNV_BEGIN, fnv1a))
    }
}

impl fmt::Display for RowId {
    /// 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for RowId {
    type Err = NoRowId;

    fn from_str(text: &str) -> Result<Self, NoRowId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = Some(text).filter(|text| text.len() == 16 && text.bytes().all(is_digit));
        digits.and_then(|text| u64::from_str_radix(text, 16).ok()).map(Self).ok_or(NoRowId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_the_type_the_place_and_whether_the_type_is_known() {
        let id = RowId::of("Vec<A>", "Vec<app::A>", true);
        assert_eq!(id, RowId::of("Vec<app::A>", "Vec<app::A>", true), "qualified in another table");
        for other in [
            RowId::of("Vec<A>", "Vec<other::A>", true),
            RowId::of("Vec<A>", "Vec<app::A>", false),
            RowId::of("Vec<A> in read", "Vec<app::A>", true),
            RowId::of("Vec<A> in write", "Vec<app::A>", true),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn an_id_is_the_same_in_every_build_and_reads_back() {
        let id = RowId::of("Vec<u8> in f (a.rs)", "Vec<u8>", true);
        assert_eq!(id.to_string(), "2ca3abdfb23e0c3b");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "",
            "2ca3abdfb23e0c3",
            "2ca3abdfb23e0c3b0",
            "2CA3ABDFB23E0C3B",
            "+ca3abdfb23e0c3b",
            "éa3abdfb23e0c3b",
        ] {
            assert_eq!(text.parse::<RowId>(), Err(NoRowId), "{text}");
        }
    }
}
