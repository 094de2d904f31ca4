//! What the scans of one call found, before a report picks from it.

use std::collections::HashSet;

use memory_debug_holders::{self as holders, HoldersReport, ScanInput, ScanResult, TypeFilter};

use super::HoldersOptions;

/// What scans found. Several calls can make their reports of it.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// The earliest scan first.
    pub(super) results: Vec<ScanResult>,
    /// The input of the last scan in `results`, without its roots and mappings.
    pub(super) input: Option<ScanInput>,
    /// The sequence numbers of the samples that were live after the last scan.
    pub(super) live: HashSet<u64>,
    /// Why there are fewer scans than wanted, or why the last one does not cover everything.
    pub(super) ended_early: Option<String>,
    /// What recording covers.
    pub(super) recorded: Recorded,
    /// Processor time of all scans together, in microseconds.
    pub(super) cpu_us: u64,
    /// What else the report cannot know, by path.
    pub(super) reasons: Vec<(&'static str, String)>,
}

/// What the recording of live samples covers.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    /// RFC 3339 in UTC.
    pub(super) since: Option<String>,
    /// The part of the live heap that has live samples.
    pub(super) share: Option<f64>,
    pub(super) dropped: u64,
}

/// The most chains of one type in a report.
const MOST_CHAINS: usize = 32;

impl Finding {
    /// Fills a report.
    pub(super) fn describe(&self, options: &HoldersOptions, report: &mut HoldersReport) {
        report.cpu_us = self.cpu_us;
        for (path, reason) in &self.reasons {
            report.unavailable.note(*path, reason);
        }
        let Some(input) = &self.input else {
            let reason = self.ended_early.as_deref().unwrap_or("no scan ran");
            report.unavailable.note("coverage", reason);
            return;
        };
        let is_live = |sequence| self.live.contains(&sequence);
        let picked = holders::HoldersOptions { depth: options.depth, types: usize::MAX, chains: MOST_CHAINS };
        let found = holders::holders(&self.results, input, &is_live, &picked);
        let mut coverage = found.coverage;
        if self.ended_early.is_some() {
            coverage.ended_early.clone_from(&self.ended_early);
        }
        coverage.recorded_since.clone_from(&self.recorded.since);
        coverage.known_share = self.recorded.share;
        coverage.dropped = self.recorded.dropped;
        report.coverage = Some(coverage);
        (report.types, report.omitted) = (found.types, found.omitted);
        if let Some(filter) = &options.type_filter {
            report.keep(&TypeFilter::parse(filter));
        }
    }
}
