//! Numbers as the kernel and jemalloc write them: digits alone. Rust's own parsers also take a leading `+`.

/// A decimal number.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// A hexadecimal number without prefix. A dump has hundreds of thousands, so they are not checked to be text before.
pub(crate) fn hexadecimal(digits: impl AsRef<[u8]>) -> Option<u64> {
    let digits = digits.as_ref();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        // Four more bits have to fit in.
        (number >> 60 == 0).then_some(number << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_and_nothing_else_is() {
        assert_eq!((decimal("0018"), hexadecimal("00fF")), (Some(18), Some(255)));
        for text in ["", "+1", "-1", " 1", "1 ", "0x1", "1_0", "18446744073709551616"] {
            assert_eq!(decimal(text), None, "{text}");
        }
        for text in ["", "+f", "-f", " f", "0xf", "g", "10000000000000000"] {
            assert_eq!(hexadecimal(text), None, "{text}");
        }
        for (text, number) in [("0000000000000000000000fF", 255), ("ffffffffffffffff", u64::MAX)] {
            assert_eq!(hexadecimal(text), Some(number), "{text}");
        }
    }
}
