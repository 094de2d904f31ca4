//! What a scan leaves on its stack.

/// Bytes below the caller's frame that are overwritten. A scan calls no deeper.
const BYTES: usize = 64 << 10;

/// Overwrites the stack that calls of the caller have used. glibc gives the stack of a thread that has ended to the next
/// thread, whose frames have gaps: an address in such a gap would keep a leak reachable in all later scans.
#[inline(never)]
pub(crate) fn overwrite_stack() {
    let mut words = [0_u8; BYTES];
    std::hint::black_box(&mut words);
}
