//! The columns of the table, as many as fit.

use memory_debug_report::RowSource;
use memory_debug_report::units::count;

use super::quantity::{bytes, objects, per_hour, share, signed_bytes};
use crate::top::growth::Growth;
use crate::top::table::{Order, Row};

/// The narrowest useful column of names.
const LEAST_NAME: usize = 24;

/// From this width on, the columns for several instances are shown.
const WIDE: usize = 110;

/// A column of numbers, right of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Instances,
    Most,
    Objects,
    Bytes,
    Error,
    Growth,
    Noise,
    PerHour,
}

/// From left to right.
const ALL: [Column; 8] = [
    Column::Instances,
    Column::Most,
    Column::Objects,
    Column::Bytes,
    Column::Error,
    Column::Growth,
    Column::Noise,
    Column::PerHour,
];

/// The columns that go first when there is too little room.
const FIRST_TO_GO: [Column; 6] =
    [Column::Noise, Column::PerHour, Column::Error, Column::Objects, Column::Growth, Column::Bytes];

impl Column {
    /// The columns that fit on a screen of this width, and the width of the name.
    pub(super) fn fitting(width: usize, instances: usize) -> (Vec<Self>, usize) {
        let mut columns = ALL.to_vec();
        if instances < 2 || width < WIDE {
            columns.retain(|column| !matches!(column, Self::Instances | Self::Most));
        }
        let mut to_go = FIRST_TO_GO.into_iter();
        loop {
            // One column is for the star.
            let taken: usize = columns.iter().map(|column| column.width() + 1).sum::<usize>() + 1;
            let name = width.saturating_sub(taken);
            if name >= LEAST_NAME {
                return (columns, name);
            }
            match to_go.next() {
                Some(last) => columns.retain(|column| *column != last),
                None => return (columns, name),
            }
        }
    }

    pub(super) fn width(self) -> usize {
        match self {
            Self::Instances => 9,
            Self::Most => 11,
            Self::Objects => 9,
            Self::Bytes => 10,
            Self::Error | Self::Noise => 5,
            Self::Growth => 11,
            Self::PerHour => 8,
        }
    }

    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Most => "most at one",
            Self::Objects => "objects",
            Self::Bytes => "bytes",
            Self::Error | Self::Noise => "±",
            Self::Growth => "growth",
            Self::PerHour => "%/h",
        }
    }

    /// The order that sorts by this column.
    pub(super) fn order(self) -> Option<Order> {
        match self {
            Self::Objects => Some(Order::Objects),
            Self::Bytes => Some(Order::Bytes),
            Self::Growth => Some(Order::Growth),
            _ => None,
        }
    }

    pub(super) fn cell(self, row: &Row) -> String {
        match self {
            Self::Instances => count(row.instances),
            Self::Most => bytes(row.most),
            Self::Objects => objects(row.objects),
            Self::Bytes => bytes(row.bytes),
            Self::Error if row.source == RowSource::Exact => "exact".into(),
            Self::Error => share(row.stderr, row.bytes),
            Self::Growth | Self::Noise | Self::PerHour => self.growth_cell(row.growth.as_ref()),
        }
    }

    /// The cell for `growth`, or a dash if the growth is unknown.
    pub(super) fn growth_cell(self, growth: Option<&Growth>) -> String {
        let Some(growth) = growth else { return "–".into() };
        match self {
            Self::Growth => signed_bytes(growth.change),
            Self::Noise => share(growth.stderr, growth.change.unsigned_abs()),
            Self::PerHour => per_hour(growth),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_screen_loses_the_least_important_columns_first() {
        let headings = |width, instances| {
            let (columns, _) = Column::fitting(width, instances);
            columns.into_iter().map(Column::heading).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(headings(200, 2), "instances most at one objects bytes ± growth ± %/h");
        assert_eq!(headings(200, 1), "objects bytes ± growth ± %/h");
        assert_eq!(headings(80, 3), "objects bytes ± growth ± %/h");
        assert_eq!(headings(70, 1), "objects bytes ± growth");
        assert_eq!(headings(40, 1), "bytes");
        assert_eq!(headings(20, 1), "");
    }

    #[test]
    fn columns_and_name_fill_the_width() {
        for width in 0..300 {
            let (columns, name) = Column::fitting(width, 2);
            let taken: usize = columns.iter().map(|column| column.width() + 1).sum();
            assert!(width == 0 || name + taken + 1 == width, "{width}: {name} {columns:?}");
        }
    }
}
