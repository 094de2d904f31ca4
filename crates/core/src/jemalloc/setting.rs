//! The two switches of the heap profiler: whether it samples, and how densely.

/// The state of the switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) active: bool,
    pub(crate) lg_sample: usize,
}

/// `2^lg_prof_sample`.
pub(crate) fn sample_bytes(lg: usize) -> Result<u64, String> {
    u32::try_from(lg)
        .ok()
        .and_then(|lg| 1_u64.checked_shl(lg))
        .ok_or_else(|| format!("jemalloc reports an impossible lg_prof_sample of {lg}"))
}
