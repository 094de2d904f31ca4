//! The twin of `scanner` for other systems: there is no scan, and a reason.

use std::convert::Infallible;
use std::time::Instant;

use memory_debug_holders::{SampledObject, ScanInput, ScanResult, Span};

const OTHER_SYSTEM: &str = "holders are found on Linux only; run the service there";

/// Where a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadSoFar {
    pub(crate) read_bytes: u64,
    pub(crate) heap_bytes: u64,
}

/// The samples of a scan.
pub(crate) struct Sampled {
    pub(crate) types: Vec<String>,
    pub(crate) samples: Vec<SampledObject>,
    pub(crate) sample_bytes: u64,
    pub(crate) is_complete: bool,
}

/// Cannot be made.
pub(crate) struct Scanner<'a> {
    never: Infallible,
    _tell: &'a dyn Fn(ReadSoFar),
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(_: Instant, _: &'a dyn Fn(ReadSoFar)) -> Result<Self, String> {
        Err(OTHER_SYSTEM.to_owned())
    }

    pub(crate) fn leave_out(&mut self, _: Span) {
        match self.never {}
    }

    pub(crate) fn input(&mut self, _: Sampled) -> Result<ScanInput, String> {
        match self.never {}
    }

    pub(crate) fn scan(&mut self, _: &ScanInput) -> ScanResult {
        match self.never {}
    }

    pub(crate) fn swapped_bytes(&self) -> u64 {
        match self.never {}
    }

    pub(crate) fn ended(&self) -> Option<&str> {
        match self.never {}
    }

    pub(crate) fn unknown_threads(&self) -> usize {
        match self.never {}
    }
}
