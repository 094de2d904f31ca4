//! The two switches of the heap profiler: whether it samples, and how densely.

/// The state of the switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) active: bool,
    pub(crate) lg_sample: usize,
}
