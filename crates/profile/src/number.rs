//! Numbers as the kernel and jemalloc write them: digits only. Rust's own parsers also accept a leading `+`.

/// Parses a decimal number.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    leading_decimal(text.as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
}

/// Parses the decimal number at the beginning of a text, and returns the rest.
pub(crate) fn leading_decimal(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    let append = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    let number = digits.iter().try_fold(0, append)?;
    (!digits.is_empty()).then_some((number, rest))
}

/// Parses a hexadecimal number without a prefix.
pub(crate) fn hexadecimal(text: &str) -> Option<u64> {
    leading_hexadecimal(text.as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
}

/// Parses the hexadecimal number at the beginning of a text, and returns the rest. A dump has hundreds of thousands
/// of such numbers.
pub(crate) fn leading_hexadecimal(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut overflows, mut rest) = (0_u64, false, text);
    while let Some((digit, after)) = rest.split_first() {
        let digit = DIGITS[usize::from(*digit)];
        if digit > 0xf {
            break;
        }
        overflows |= number >> 60 != 0;
        number = number << 4 | u64::from(digit);
        rest = after;
    }
    (rest.len() < text.len() && !overflows).then_some((number, rest))
}

/// The value of each byte as a hexadecimal digit; 0xff for every other byte.
const DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_digits_only() {
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
