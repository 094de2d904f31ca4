//! Numbers as the kernel and jemalloc write them: digits alone. Rust's own parsers also take a leading `+`.

/// A decimal number.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    unsigned(text)?.parse().ok()
}

/// A hexadecimal number without prefix.
pub(crate) fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(unsigned(text)?, 16).ok()
}

fn unsigned(text: &str) -> Option<&str> {
    (!text.starts_with('+')).then_some(text)
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
    }
}
