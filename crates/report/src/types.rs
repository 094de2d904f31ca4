//! Makes the table of types from a heap profile.

use memory_debug_profile::{
    Group, HeapProfile, SampleRate, Selection, SymbolGap, SymbolTier, TypeEntry, TypeTable,
};

use crate::ages::RecordedAges;
use crate::report::{RowSource, TypeRow, TypeSummary};
use crate::root_summary::RootSummary;

/// Summarizes the sampled rows of the table.
///
/// `table` is the sum of `profile` by `selection`. `tier` is the quality of its symbols, and `symbol_gaps` lists the
/// files that gave fewer symbols than they could.
pub fn summarize(
    profile: &HeapProfile,
    selection: &Selection,
    table: &TypeTable,
    tier: SymbolTier,
    symbol_gaps: Vec<SymbolGap>,
) -> TypeSummary {
    let mut notes: Vec<String> = symbol_gaps.iter().map(|gap| note(gap, tier)).collect();
    if matches!(selection.group, Group::Thread | Group::ThreadId) && is_without_thread_names(profile) {
        notes.push(NO_THREAD_NAMES.to_owned());
    }
    TypeSummary {
        group: selection.group.as_str().into(),
        symbols: Some(tier_name(tier).into()),
        sample_bytes: Some(profile.sample_rate().bytes()),
        active_since: None,
        samples: None,
        ages: table.recording.map(|recording| RecordedAges {
            recorded_since: None,
            recorded_seconds: recording.recorded.as_secs_f64(),
            known_share: table.known_share,
            dropped_samples: recording.dropped,
        }),
        rows: table.entries.iter().map(|entry| row(entry, selection.group, profile.sample_rate())).collect(),
        total_bytes: Some(whole(table.total.bytes)),
        total_bytes_stderr: Some(table.total.of_few_samples(profile.sample_rate()).bytes_stderr()),
        total_objects: Some(whole(table.total.objects)),
        unattributed_bytes: Some(whole(table.unattributed.bytes)),
        omitted_rows: 0,
        stacks: u64::try_from(profile.stacks().len()).ok(),
        notes,
        symbol_gaps,
        unavailable: None,
    }
}

fn is_without_thread_names(profile: &HeapProfile) -> bool {
    profile.threads().iter().all(|thread| thread.name.is_none())
}

const NO_THREAD_NAMES: &str = "jemalloc recorded no thread names, so each thread appears by its number: use \
                               `install!()`, or start the program with `_RJEM_MALLOC_CONF=prof_sys_thread_name:true` \
                               (`MALLOC_CONF` if jemalloc is built unprefixed)";

/// Exact rows of the roots that were visited completely. They overlap with sampled rows, as tracked rows do.
pub fn root_rows(roots: &RootSummary) -> impl Iterator<Item = TypeRow> {
    roots.rows.iter().filter(|root| root.is_complete()).filter_map(|root| {
        let name = |type_name: &str| format!("{type_name} (root {})", root.name);
        Some(TypeRow::exact(name(&root.type_name), name(&root.full_type), 1, root.retained_bytes?))
    })
}

/// A row of a table by `group`.
pub(crate) fn row(entry: &TypeEntry, group: Group, rate: SampleRate) -> TypeRow {
    let estimate = entry.estimate.of_few_samples(rate);
    TypeRow {
        id: (group == Group::Container).then(|| entry.id()),
        type_name: entry.type_name.clone(),
        full_type: entry.full_type.clone(),
        objects: whole(estimate.objects),
        bytes: whole(estimate.bytes),
        objects_stderr: estimate.objects_stderr(),
        bytes_stderr: estimate.bytes_stderr(),
        source: if entry.is_attributed { RowSource::Sampled } else { RowSource::Unattributed },
        created: None,
        dropped: None,
        threads: Some(entry.threads).filter(|threads| *threads > 0),
        slack_bytes: entry.slack_bytes.map(whole),
        ages: entry.ages,
    }
}

/// Rounds to the nearest whole number. `as` saturates; estimates are finite and not negative.
fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}

fn tier_name(tier: SymbolTier) -> &'static str {
    match tier {
        SymbolTier::Inlined => "inlined",
        SymbolTier::Lines => "lines",
        SymbolTier::Functions => "functions",
        _ => "none",
    }
}

/// A note about missing symbols: the reason, its effect, and what to do.
fn note(gap: &SymbolGap, tier: SymbolTier) -> String {
    let effect = match tier {
        _ if !gap.is_program => "",
        SymbolTier::Inlined => "",
        SymbolTier::None => ", so no type can be determined",
        _ => ", so few types can be determined",
    };
    format!("{}{effect}: {}", gap.reason, gap.advice)
}
