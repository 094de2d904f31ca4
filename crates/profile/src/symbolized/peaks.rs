//! The peak of each row, and growth beyond it.

use super::build::Builder;
use super::change::{ChangeTable, Parts};
use super::profile::{ProfileKind, SymbolizedProfile};
use crate::sample::SampleRate;
use crate::selection::Selection;

/// Remembers the peak of each row over many profiles of a program.
///
/// A peak moves up when a row exceeds it by more than noise, and never moves down. So growth that is too slow to
/// stand out between two profiles adds up until it is reported. Memory that comes and goes below its peak is not
/// reported.
///
/// It keeps the stacks of each row at its peak, some 200 bytes per stack. A new row is added when it stands out.
#[derive(Debug)]
pub struct Peaks {
    selection: Selection,
    names: Builder,
    rate: SampleRate,
    rows: Option<Parts>,
}

impl Peaks {
    /// Starts without peaks, for the rows of `selection`.
    pub fn new(selection: Selection) -> Self {
        let rate = SampleRate::from_bytes(1);
        Self { selection, names: Builder::new(ProfileKind::Growth, rate), rate, rows: None }
    }

    /// Finds the rows that exceed their peak by more than noise, with the peak as base. Their current values become
    /// the new peaks. The first profile sets all peaks, so no row exceeds its peak.
    ///
    /// The total compares all rows with all peaks.
    pub fn exceeded_by(&mut self, profile: &SymbolizedProfile) -> ChangeTable {
        self.rate = self.rate.max(profile.sample_rate);
        let mut now = Parts::of(&mut self.names, profile, &self.selection);
        let Some(peaks) = &mut self.rows else {
            let table = ChangeTable::of_parts(&now, &now, self.rate);
            self.rows = Some(now);
            return table;
        };
        let mut table = ChangeTable::of_parts(peaks, &now, self.rate);
        table.rows.retain(|row| row.is_significant && row.difference.bytes > 0.0);
        for row in &table.rows {
            peaks.replace_row(row, &mut now);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::profile;
    use super::*;

    const SAMPLE: i64 = 524_288;

    /// The rows of each moment that exceed their peaks. A moment gives rows with their numbers of samples.
    fn exceeded(moments: &[&[(&str, i64)]]) -> Vec<Vec<(String, i64)>> {
        let mut peaks = Peaks::new(Selection::default());
        let mut beyond = |rows: &[(&str, i64)]| {
            let stacks: Vec<_> = rows
                .iter()
                .map(|(name, samples)| (*name, &["f"][..], samples * 8192, samples * SAMPLE))
                .collect();
            let rows = peaks.exceeded_by(&profile(&stacks)).rows.into_iter();
            rows.map(|row| (row.type_name, row.difference.bytes as i64 / SAMPLE)).collect()
        };
        moments.iter().map(|rows| beyond(rows)).collect()
    }

    fn row(name: &str, samples: i64) -> (String, i64) {
        (name.to_owned(), samples)
    }

    #[test]
    fn first_profile_sets_peaks_and_growth_raises_them() {
        let grown =
            exceeded(&[&[("A", 100)], &[("A", 300)], &[("A", 290)], &[("A", 500), ("B", 90)], &[("A", 500)]]);
        assert_eq!(grown, [vec![], vec![row("A", 200)], vec![], vec![row("A", 200), row("B", 90)], vec![]]);
    }

    #[test]
    fn reports_recurring_growth_once() {
        let high: &[(&str, i64)] = &[("A", 300), ("B", 50)];
        let low: &[(&str, i64)] = &[("B", 50)];
        assert_eq!(
            exceeded(&[low, high, low, high, low])[1..],
            [vec![row("A", 300)], vec![], vec![], vec![]]
        );
    }

    #[test]
    fn growth_below_noise_adds_up_until_it_stands_out() {
        let moments = [100, 120, 140, 160, 180, 200].map(|samples| [("A", samples)]);
        let moments: Vec<&[(&str, i64)]> = moments.iter().map(|rows| &rows[..]).collect();
        let grown: Vec<i64> = exceeded(&moments).into_iter().flatten().map(|(_, samples)| samples).collect();
        assert_eq!(grown.len(), 2, "{grown:?}");
        assert!(grown.iter().all(|samples| *samples > 20), "{grown:?}");
    }
}
