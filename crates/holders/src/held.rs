//! The holders of each type, from the results of scans.

mod choose;
mod lost;

use std::collections::BTreeMap;

use memory_debug_profile::{Estimate, SampleRate};

use crate::holders_report::{Coverage, HeldType, HolderChain, HolderRoot, RootKind};
use crate::input::ScanInput;
use crate::objects::Names;
use crate::scan::ScanResult;
use crate::unreachable::unreachable;
use choose::{Choice, Chooser};

/// Other roots of a recursive structure that a row names.
const MAX_ALSO: usize = 4;

/// What a result shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldersOptions {
    /// The most holders of a chain, from the direct one up.
    pub depth: usize,
    /// The most types.
    pub types: usize,
    /// The most chains of a type.
    pub chains: usize,
}

/// All types, each with its eight largest chains of up to eight holders.
impl Default for HoldersOptions {
    fn default() -> Self {
        Self { depth: 8, types: usize::MAX, chains: 8 }
    }
}

/// The holders of each type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Holders {
    /// The types, the one with the most bytes first.
    pub types: Vec<HeldType>,
    /// Types that were left out of `types`.
    pub omitted: u64,
    /// How much of the memory the scans cover. What the recording of samples covers is for the caller to add.
    pub coverage: Coverage,
}

/// Summarizes scans of one process, the earliest first. `input` belongs to the last one. `is_live` says whether the
/// sample with a sequence number is live after the last scan; only such samples can be unreachable.
///
/// Unreachable memory needs three scans. Without any scan, the holders of all memory are unknown.
#[must_use]
pub fn holders(
    results: &[ScanResult],
    input: &ScanInput,
    is_live: &dyn Fn(u64) -> bool,
    options: &HoldersOptions,
) -> Holders {
    let lost = unreachable(results, input, is_live);
    let mut names = Names::default();
    let mut by_type: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, object) in input.samples.iter().enumerate() {
        by_type.entry(object.type_index).or_default().push(at);
    }
    let chooser = Chooser::new(results, options.depth);
    let lost_search = results.last().map(lost::Search::new);
    let mut types = Vec::new();
    for (type_index, samples) in by_type {
        let mut total = Estimate::default();
        let mut unknown = Estimate::default();
        samples.iter().for_each(|at| total += estimate(input, *at));
        let (unreached, others): (Vec<usize>, Vec<usize>) =
            samples.iter().partition(|at| lost.get(**at) == Some(&true));
        let choices = chooser.choose(&others, input, &mut names);
        let chains = chains(&others, &choices, input, &names);
        others.iter().zip(&choices).filter(|(_, choice)| choice.is_none()).for_each(|(at, _)| {
            unknown += estimate(input, *at);
        });
        let omitted_chains = chains.len().saturating_sub(options.chains) as u64;
        types.push(HeldType {
            type_name: input.types.get(type_index as usize).cloned().unwrap_or_default(),
            bytes: bytes(&total),
            bytes_stderr: bytes_stderr(total, input),
            samples: samples.len() as u64,
            chains: chains.into_iter().take(options.chains).collect(),
            omitted_chains,
            unreachable: lost_search
                .as_ref()
                .filter(|_| !unreached.is_empty())
                .map(|search| search.describe(&unreached, input, results.len(), &mut names)),
            unknown_bytes: bytes(&unknown),
        });
    }
    types.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.type_name.cmp(&other.type_name)));
    let omitted = types.len().saturating_sub(options.types) as u64;
    types.truncate(options.types);
    let coverage = results.last().map(|result| result.coverage.clone()).unwrap_or_default();
    Holders { types, omitted, coverage: Coverage { scans: results.len() as u32, ..coverage } }
}

/// What a sample stands for.
fn estimate(input: &ScanInput, at: usize) -> Estimate {
    let rate = SampleRate::from_bytes(input.sample_bytes);
    input.samples.get(at).map(|object| object.sample.estimate(rate)).unwrap_or_default()
}

fn bytes_stderr(sum: Estimate, input: &ScanInput) -> f64 {
    sum.of_few_samples(SampleRate::from_bytes(input.sample_bytes)).bytes_stderr()
}

fn bytes(estimate: &Estimate) -> u64 {
    estimate.bytes.round() as u64
}

/// Makes one row of equal chains.
fn chains(
    samples: &[usize],
    choices: &[Option<Choice>],
    input: &ScanInput,
    names: &Names,
) -> Vec<HolderChain> {
    #[derive(Default)]
    struct Row<'a> {
        total: Estimate,
        samples: u64,
        example: Option<&'a Choice>,
        repeated: Vec<bool>,
        /// Other roots, with their bytes.
        also: BTreeMap<String, f64>,
    }
    let mut rows: BTreeMap<_, Row<'_>> = BTreeMap::new();
    for (at, choice) in samples.iter().zip(choices) {
        let Some(choice) = choice else { continue };
        let row = rows.entry((&choice.keys, &choice.root_key, choice.doubtful)).or_default();
        let estimate = estimate(input, *at);
        row.total += estimate;
        row.samples += 1;
        row.example.get_or_insert(choice);
        row.repeated.resize(choice.links.len(), false);
        for (repeated, link) in row.repeated.iter_mut().zip(&choice.links) {
            *repeated |= link.repeated;
        }
        for root in choice.also.iter().filter(|root| root.kind != RootKind::Stack) {
            *row.also.entry(root_text(root)).or_default() += estimate.bytes;
        }
    }
    let mut chains: Vec<HolderChain> = rows
        .into_values()
        .filter_map(|row| {
            let example = row.example?;
            let is_recursive = row.repeated.contains(&true);
            let mut also: Vec<(String, f64)> = row.also.into_iter().filter(|_| is_recursive).collect();
            also.sort_by(|one, other| other.1.total_cmp(&one.1));
            also.truncate(MAX_ALSO);
            let links = example.links.iter().zip(row.repeated);
            Some(HolderChain {
                links: links
                    .map(|(link, repeated)| crate::link::Link { repeated, ..*link }.finish(names))
                    .collect(),
                root: HolderRoot {
                    also: also.into_iter().map(|(name, _)| name).collect(),
                    ..example.root.clone()
                },
                bytes: bytes(&row.total),
                bytes_stderr: bytes_stderr(row.total, input),
                samples: row.samples,
                doubtful: example.doubtful,
            })
        })
        .collect();
    // The map of rows has an order that does not depend on a hash, and sorting keeps it for equal rows.
    chains.sort_by_key(|chain| (std::cmp::Reverse(chain.bytes), chain.doubtful));
    chains
}

/// A root in one word.
fn root_text(root: &HolderRoot) -> String {
    let kind = match root.kind {
        RootKind::Static => "a static",
        RootKind::ThreadLocal => "a thread-local",
        RootKind::Stack => "a stack",
        RootKind::CHeap => "the heap of C code",
        RootKind::Mapping => "another mapping",
    };
    root.name.clone().unwrap_or_else(|| kind.into())
}
