//! Reads many small pieces of memory after the mark.

use crate::memory::{Hidden, Memory, Span};

/// The most spans and bytes of one read.
const MAX_SPANS: usize = 256;
const MAX_BYTES: u64 = 1 << 18;

/// Reads each span and calls `see` with its index and bytes, which end early at a byte that cannot be read. Returns
/// `false` if the time was over; the spans that are left are not read.
pub(crate) fn peek<M: Memory + ?Sized>(
    memory: &mut M,
    spans: &[Span],
    mut see: impl FnMut(usize, &[u8]),
) -> bool {
    let mut at = 0;
    while at < spans.len() {
        if memory.is_over() {
            return false;
        }
        let rest = spans.get(at..).unwrap_or_default();
        let mut bytes = 0;
        let some = rest.iter().take(MAX_SPANS).take_while(|span| {
            let is_first = bytes == 0;
            bytes += span.bytes;
            is_first || bytes <= MAX_BYTES
        });
        let some = rest.get(..some.count().max(1)).unwrap_or(rest);
        let mut got = memory.read(some);
        for span in some {
            let part = got.get(..span.bytes as usize).unwrap_or(got);
            see(at, part);
            at += 1;
            got = got.get(part.len()..).unwrap_or_default();
            if (part.len() as u64) < span.bytes {
                break;
            }
        }
    }
    true
}

/// The words of a piece of memory.
pub(crate) fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (chunks, _rest) = bytes.as_chunks::<8>();
    chunks.iter().map(|word| u64::from_ne_bytes(*word))
}

/// The first words of an object, at most `most` of them.
pub(crate) fn head(address: u64, bytes: u64, most: u64) -> Span {
    Span { start: Hidden::new(address), bytes: bytes.min(most * 8) }
}
