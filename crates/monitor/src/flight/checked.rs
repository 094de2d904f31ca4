//! Bytes with their length and a checksum before them.

/// Length and CRC-32 (of the length and the content), both in four bytes, the lowest first.
pub(super) const PREFIX: usize = 8;

/// Puts the prefix before the `length` bytes that `space` has after it. Returns whether they fit.
pub(super) fn seal(space: &mut [u8], length: usize) -> bool {
    let Some(end) = PREFIX.checked_add(length).filter(|end| *end <= space.len()) else { return false };
    let Ok(stated) = u32::try_from(length) else { return false };
    space[..4].copy_from_slice(&stated.to_le_bytes());
    let sum = sum_of(&space[..4], &space[PREFIX..end]);
    space[4..PREFIX].copy_from_slice(&sum.to_le_bytes());
    true
}

/// The content of `space`. `None` if it does not fit its checksum.
pub(super) fn open(space: &[u8]) -> Option<&[u8]> {
    let length = u32::from_le_bytes(space.get(..4)?.try_into().ok()?);
    let sum = u32::from_le_bytes(space.get(4..PREFIX)?.try_into().ok()?);
    let content = space.get(PREFIX..)?.get(..usize::try_from(length).ok()?)?;
    (!content.is_empty() && sum_of(&space[..4], content) == sum).then_some(content)
}

fn sum_of(length: &[u8], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(content);
    hasher.finalize()
}
