//! The page and the rows that a client requests.

use memory_debug_profile::{AgeBucket, Group, Selection};

use crate::report::{MemoryReport, TypeRow, TypeSummary};
use crate::root_summary::{FieldRow, RootSummary};

/// A form in which a report is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// The most important numbers, then the table.
    Overview,
    /// All numbers of the process, its container and the allocator.
    Stats,
    /// The table.
    Types,
    /// Findings of the doctor, with advice.
    Doctor,
}

impl Page {
    /// Whether this page shows the value at `path` of a report.
    pub(crate) fn shows(self, path: &str) -> bool {
        match path.split('.').next().unwrap_or_default() {
            "types" | "reconciliation" | "roots" => matches!(self, Self::Overview | Self::Types),
            "process" | "cgroup" | "machine" | "ceiling" | "allocator" | "detail" => {
                matches!(self, Self::Overview | Self::Stats)
            }
            _ => true,
        }
    }
}

/// Which rows of the table to show, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TypesView {
    /// At most this many rows.
    pub top: usize,
    /// Order of the rows, which also decides which rows are at the top.
    pub sort: Sort,
    /// Shows only types whose short or full name contains this text, literally.
    pub filter: Option<String>,
}

/// Which moments to compare, and which rows of the difference to show.
#[derive(Clone, Debug, PartialEq)]
pub struct DiffView {
    /// The earlier moment: `first`, `last` or the id of a snapshot.
    pub base: String,
    /// The later moment: like `base`, or `now`.
    pub target: String,
    /// Shows only growth beyond noise.
    pub growth: bool,
    /// At most this many rows.
    pub top: usize,
    /// Shows only rows whose short or full name contains this text, literally.
    pub filter: Option<String>,
    /// What a row stands for, and which stacks count.
    pub selection: Selection,
}

/// Order of rows. Equal rows are sorted by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Most bytes first. Rows that are ages come in their order, the youngest first.
    #[default]
    Bytes,
    /// Most objects first.
    Count,
    /// By name.
    Name,
}

impl Default for TypesView {
    /// The fifty types with the most bytes.
    fn default() -> Self {
        Self { top: 50, sort: Sort::Bytes, filter: None }
    }
}

impl TypesView {
    /// Selects the rows of a report's table. The table keeps its group and states it, because a report from elsewhere
    /// has no profile that could be grouped again.
    pub(crate) fn table(&self, report: &MemoryReport) -> Option<TypeSummary> {
        report.types.as_ref().map(|types| self.apply(types))
    }

    /// The roots of a report in this view. A root is complete if the filter matches its name or type; otherwise it has
    /// only the parts that match. Each has at most `top` parts.
    pub(crate) fn roots(&self, report: &MemoryReport) -> Option<RootSummary> {
        let roots = report.roots.as_ref()?;
        let rows = roots.rows.iter().filter_map(|root| {
            let mut root = root.clone();
            if ![&root.name, &root.type_name, &root.full_type].into_iter().any(|text| self.admits(text)) {
                let shows = |field: &FieldRow| {
                    [&field.field, &field.type_name, &field.full_type]
                        .into_iter()
                        .any(|text| self.admits(text))
                };
                let (shown, hidden): (Vec<_>, Vec<_>) = root.fields.into_iter().partition(shows);
                if shown.is_empty() {
                    return None;
                }
                root.fields = hidden;
                root = root.cut(0);
                root.fields = shown;
            }
            Some(root.cut(self.top))
        });
        Some(RootSummary { rows: rows.collect(), ..*roots })
    }

    /// The table in this view. Totals still cover all rows.
    fn apply(&self, summary: &TypeSummary) -> TypeSummary {
        let mut rows: Vec<&TypeRow> = summary.rows.iter().filter(|row| self.shows(row)).collect();
        let is_by_age = summary.group == Group::Age.as_str();
        let age = |row: &TypeRow| AgeBucket::all().position(|age| age.name() == row.type_name);
        rows.sort_by(|a, b| {
            let order = match self.sort {
                Sort::Bytes if is_by_age => age(a).cmp(&age(b)),
                Sort::Bytes => b.bytes.cmp(&a.bytes),
                Sort::Count => b.objects.cmp(&a.objects),
                Sort::Name => a.type_name.cmp(&b.type_name),
            };
            order.then_with(|| a.type_name.cmp(&b.type_name)).then_with(|| a.full_type.cmp(&b.full_type))
        });
        let omitted = rows.len().saturating_sub(self.top);
        rows.truncate(self.top);
        TypeSummary {
            rows: rows.into_iter().cloned().collect(),
            omitted_rows: summary.omitted_rows.saturating_add(omitted as u64),
            group: summary.group.clone(),
            symbols: summary.symbols.clone(),
            active_since: summary.active_since.clone(),
            samples: summary.samples.clone(),
            ages: summary.ages.clone(),
            symbol_gaps: summary.symbol_gaps.clone(),
            notes: summary.notes.clone(),
            unavailable: summary.unavailable.clone(),
            ..*summary
        }
    }

    fn shows(&self, row: &TypeRow) -> bool {
        self.admits(&row.type_name) || self.admits(&row.full_type)
    }

    fn admits(&self, text: &str) -> bool {
        self.filter.as_deref().is_none_or(|filter| text.contains(filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn names(view: &TypesView) -> Vec<String> {
        let summary = view.apply(&sample::types());
        summary.rows.into_iter().map(|row| row.type_name).collect()
    }

    #[test]
    fn the_largest_rows_come_first_by_default() {
        assert_eq!(names(&TypesView::default())[..2], ["HashMap<String, Session>", "String"]);
        let by_count = TypesView { sort: Sort::Count, ..TypesView::default() };
        assert_eq!(names(&by_count)[0], "String");
        let by_name = names(&TypesView { sort: Sort::Name, ..TypesView::default() });
        assert!(by_name.is_sorted(), "{by_name:?}");
    }

    #[test]
    fn equal_rows_are_sorted_by_name() {
        let mut summary = sample::types();
        summary.rows.iter_mut().for_each(|row| (row.bytes, row.objects) = (8, 1));
        let forward = TypesView::default().apply(&summary);
        summary.rows.reverse();
        assert_eq!(TypesView::default().apply(&summary), forward);
        assert!(forward.rows.is_sorted_by_key(|row| &row.type_name));
    }

    #[test]
    fn rows_below_the_top_are_counted_as_omitted_and_totals_stay() {
        let all = sample::types();
        let view = TypesView { top: 1, ..TypesView::default() };
        let top = view.apply(&all);
        assert_eq!((top.rows.len(), top.omitted_rows), (1, all.rows.len() as u64 - 1));
        assert_eq!(top.total_bytes, all.total_bytes);
    }

    #[test]
    fn a_filter_is_literal_and_does_not_count_omitted_rows() {
        let view = |filter: &str| TypesView { filter: Some(filter.into()), ..TypesView::default() };
        assert_eq!(names(&view("Session")), ["HashMap<String, Session>", "Session"]);
        assert_eq!(names(&view("axum_service::")), ["HashMap<String, Session>", "Session"], "full names too");
        assert_eq!(names(&view(".*")), [""; 0]);
        assert_eq!(view("Session").apply(&sample::types()).omitted_rows, 0);
    }
}
