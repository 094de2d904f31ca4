//! The hash FNV-1a. Its results are equal on all machines and in all versions, so they can be ids in files.

/// The state before the first byte.
pub const FNV_BEGIN: u64 = 0xcbf2_9ce4_8422_2325;

/// The state after more bytes, which is also the hash of all bytes so far.
#[must_use]
pub fn fnv1a(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the authors' list of test vectors.
    #[test]
    fn results_agree_with_the_published_vectors() {
        assert_eq!(fnv1a(FNV_BEGIN, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(FNV_BEGIN, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(fnv1a(FNV_BEGIN, b"foo"), b"bar"), 0x8594_4171_f739_67e8);
    }
}
