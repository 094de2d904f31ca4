//! Renders reports as text for people and as JSON for programs.
//!
//! Rendering depends only on its arguments, so equal reports give equal output.

mod ages;
mod ceiling;
mod change;
mod columns;
mod container;
mod control;
mod detail;
mod diagnosis;
mod fleet;
mod growth;
mod header;
mod instance;
mod json;
mod layout;
mod missing;
mod monitor;
mod purge;
mod reasons;
mod reconciliation;
mod report_diff;
mod resident;
mod roots;
mod snapshots;
mod stacks;
mod stats;
mod table;
mod tasks;
mod text;
mod trace;
mod type_detail;

pub use growth::{write_growth_json, write_growth_text};
pub use json::{json, write_document, write_json};
pub use memory_debug_formats::{PrintableJson, printable_json, to_json, to_json_line, write_line};
pub use snapshots::write_snapshots_text;
pub use stacks::{stacks_text, write_stacks_json, write_stacks_text};
pub use text::{text, write_text};

/// The parts of the text renderer that other crates of this project share. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use super::layout::Terminal;
    pub use super::reasons::write as write_reasons;
}

/// The content of pages, in pieces that text and HTML lay out in their own ways. Texts in it are printable.
pub mod content {
    pub use super::ages::{
        AGE_HEADINGS, age_cells, ages_line, cells_of as age_cells_of, has_ages, in_words as ages_in_words,
        slack_lines,
    };
    pub use super::change::{
        NO_ROW_DIFFERS, cells as change_cells, moments as compared_moments, total as change_total,
        without_rows as no_change,
    };
    pub use super::control::write as write_profiling;
    pub use super::detail::{
        ARENA_BINS, write as write_detail, write_arena_bins, write_unavailable as write_missing_detail,
    };
    pub use super::diagnosis::{checked, name as severity, not_checked, warnings};
    pub use super::fleet::{
        INSTANCE_HEADINGS, NO_TYPES, TYPE_HEADINGS, instance_cells, summary as fleet_summary,
        type_cells as fleet_type_cells, types_summary as fleet_types_summary,
        write_missing as write_missing_instances, write_numbers as write_fleet_numbers, write_outliers,
        write_unavailable as write_fleet_unavailable,
    };
    pub use super::header::{
        LiveNumber, collected, identity, identity_of, limits, live_numbers, memory, parts as memory_parts,
    };
    pub use super::instance::write as write_instance;
    pub use super::layout::Layout;
    pub use super::missing::values as unavailable;
    pub use super::monitor::{earlier as earlier_processes, write as write_monitor};
    pub use super::purge::write as write_purge;
    pub use super::reconciliation::text as reconciliation;
    pub use super::report_diff::{
        HEADINGS as REPORT_CHANGE_HEADINGS, moments as compared_reports, numbers as report_change_numbers,
        partial as report_change_caveat, total as report_change_total,
    };
    pub use super::resident::{ResidentPart, not_resident, resident_parts};
    pub use super::snapshots::{HEADINGS as SNAPSHOT_HEADINGS, cells as snapshot_cells, taken};
    pub use super::stats::write as write_stats;
    pub use super::table::{
        cells as type_cells, footer as types_footer, more, of_report as types, omitted, totals,
    };
    pub use super::tasks::write as write_tasks;
    pub use super::trace::{quantity as trace_quantity, write as write_trace};
    pub use super::type_detail::{
        group_heading, write_group as write_type_group, write_history as write_type_history,
        write_summary as write_type_summary,
    };
    pub use crate::units::{printable, short_name};
}

use crate::report::RowSource;
use crate::units::{percent, short_name};

/// Numbers that are small in most processes are shown only above this percentage of resident memory.
const SHOWN_ABOVE_PERCENT: f64 = 5.0;

/// The name of a row. If the type is unknown, it is the name of a function.
fn row_name(name: &str, is_attributed: bool) -> String {
    let mark = if is_attributed { "" } else { "[unattributed] " };
    format!("{mark}{}", short_name(name))
}

/// Suffix for the name of a thread with the number of threads that have it: ` × 4`.
fn times(threads: Option<u64>) -> String {
    threads.filter(|threads| *threads > 1).map_or_else(String::new, |threads| format!(" × {threads}"))
}

/// The cell for one standard error of `bytes`, as a percentage of it.
fn error_cell(source: RowSource, stderr: f64, bytes: u64) -> String {
    match (source, percent(stderr, bytes as f64)) {
        (RowSource::Exact, _) => "exact".to_owned(),
        (_, Some(percent)) => format!("{percent:.0} %"),
        (_, None) => "–".to_owned(),
    }
}
