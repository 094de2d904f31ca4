//! Lines with the counts of one thread, of one stack, or of the whole profile.

use crate::number::leading_decimal;
use crate::sample::Sample;

/// A line `  tN: objects: bytes [objects: bytes] name`. `thread` is `None` for `t*`.
pub(super) struct Counts<'a> {
    pub(super) thread: Option<u64>,
    pub(super) live: Sample,
    pub(super) accumulated: Sample,
    /// The rest of the line. A name can continue in the next line.
    pub(super) name: Option<&'a [u8]>,
}

pub(super) fn parse_counts(line: &[u8]) -> Option<Counts<'_>> {
    let rest = line.trim_ascii_start().strip_prefix(b"t")?;
    let (thread, rest) = match rest.strip_prefix(b"*") {
        Some(rest) => (None, rest),
        None => leading_decimal(rest).map(|(thread, rest)| (Some(thread), rest))?,
    };
    let (live, rest) = parse_sample(rest.strip_prefix(b": ")?)?;
    let (accumulated, rest) = parse_sample(rest.strip_prefix(b" [")?)?;
    let name = match rest.strip_prefix(b"]")? {
        b"" => None,
        rest => Some(rest.strip_prefix(b" ")?),
    };
    Some(Counts { thread, live, accumulated, name })
}

/// Parses `objects: bytes`, and returns the rest.
fn parse_sample(text: &[u8]) -> Option<(Sample, &[u8])> {
    let (objects, rest) = leading_decimal(text)?;
    let (bytes, rest) = leading_decimal(rest.strip_prefix(b": ")?)?;
    Some((Sample { objects, bytes }, rest))
}
