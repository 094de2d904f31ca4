//! What changed between two moments of one recording: which memory survived, and which was born and died.

use super::{BirthRow, Births};
use crate::ages::AgeBucket;
use crate::amount::Amount;
use crate::sample::Estimate;
use crate::selection::Group;
use crate::symbolized::{Change, ChangeTable};

/// A row at two moments of one recording. The variances count only the memory that is not the same at both moments.
/// Memory of the second moment whose age is unknown counts as born since, so it adds noise, but no growth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BirthChange {
    /// Memory that was live at both moments.
    pub survived: Estimate,
    /// Memory of the first moment that is gone at the second.
    pub died: Estimate,
    /// Memory of the second moment that was born after the first.
    pub born: Estimate,
    /// What was born minus what died.
    pub difference: Estimate,
}

impl BirthChange {
    /// The change of a row from `base` to `target`, of which one can be missing.
    pub fn between(base: (&Births, Option<&BirthRow>), target: (&Births, Option<&BirthRow>)) -> Self {
        let survived = target.1.map(|row| target.0.until(row, base.0.recorded_ms)).unwrap_or_default();
        // A row that is missing was too small to be kept. It had at least what survived.
        let before = base.1.map_or(survived, BirthRow::all);
        Self::of(target.0, before, target.1.map(BirthRow::all).unwrap_or_default(), survived)
    }

    fn of(births: &Births, before: Amount, after: Amount, survived: Amount) -> Self {
        // A sample that is read a bit before the moment of its snapshot can seem to be born before it.
        let survived = if survived.bytes > before.bytes { before } else { survived };
        let [died, born] = [before, after].map(|whole| births.estimate(whole + -survived));
        Self { survived: births.estimate(survived), died, born, difference: born.minus(died) }
    }
}

impl Births {
    /// Compares two moments by age or by route. `is_same_recording` says whether survivors are known.
    pub fn changes(&self, target: &Self, group: Group, is_same_recording: bool) -> ChangeTable {
        let mut changes = Vec::new();
        let mut total = Change::default();
        let mut add = |name: (&str, bool), base: Estimate, now: Estimate, difference: Estimate| {
            let change = Change {
                type_name: name.0.to_owned(),
                full_type: name.0.to_owned(),
                is_attributed: name.1,
                base,
                target: now,
                difference,
                is_significant: false,
            };
            total.add_row(&change);
            changes.push(change);
        };
        if group == Group::Age {
            for ((range, before), (_, now)) in self.by_age().into_iter().zip(target.by_age()) {
                let (before, now) = (self.estimate(before), target.estimate(now));
                if (before.bytes, now.bytes) != (0.0, 0.0) {
                    add((range.name(), range != AgeBucket::Unknown), before, now, now.minus(before));
                }
            }
        } else {
            let is_same = |a: &BirthRow, b: &BirthRow| {
                (&a.type_name, a.is_attributed) == (&b.type_name, b.is_attributed)
            };
            let gone = self.routes.iter().filter(|row| !target.routes.iter().any(|now| is_same(row, now)));
            let here = target.routes.iter();
            let pairs = here.map(|now| (self.routes.iter().find(|row| is_same(row, now)), Some(now)));
            for (before, now) in pairs.chain(gone.map(|row| (Some(row), None))) {
                let Some(named) = now.or(before) else { continue };
                let [base, end] = [(self, before), (target, now)]
                    .map(|(births, row)| births.estimate(row.map(BirthRow::all).unwrap_or_default()));
                let difference = if is_same_recording {
                    let variance = BirthChange::between((self, before), (target, now)).difference;
                    Estimate {
                        bytes: end.bytes - base.bytes,
                        objects: end.objects - base.objects,
                        ..variance
                    }
                } else {
                    end.minus(base)
                };
                add((&named.type_name, named.is_attributed), base, end, difference);
            }
        }
        ChangeTable::of_rows(changes, total)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::births;
    use super::*;

    #[test]
    fn what_survives_adds_no_noise() {
        let before = births(60_000, &[], &[("Vec<A>", &[10_000, 20_000]), ("B", &[30_000])]);
        let after =
            births(120_000, &[60_000], &[("Vec<A>", &[10_000, 20_000, 70_000, 90_000]), ("B", &[100_000])]);
        let change = |at: usize| {
            let row = |births: &Births| births.of_type(|row| row.type_name == ["Vec<A>", "B"][at]).cloned();
            let (base, target) = (row(&before), row(&after));
            BirthChange::between((&before, base.as_ref()), (&after, target.as_ref()))
        };
        let samples = |estimate: Estimate| (estimate.bytes / 524_320.0).round();
        let leak = change(0);
        assert_eq!((samples(leak.survived), samples(leak.died), samples(leak.born)), (2.0, 0.0, 2.0));
        assert_eq!(leak.difference.bytes_variance, leak.born.bytes_variance);
        let replaced = change(1);
        assert_eq!(
            (samples(replaced.survived), samples(replaced.died), samples(replaced.born)),
            (0.0, 1.0, 1.0)
        );
        assert_eq!(replaced.difference.bytes, 0.0);
        assert!(replaced.difference.bytes_variance > replaced.born.bytes_variance);
    }

    #[test]
    fn ages_and_routes_are_rows_of_a_difference() {
        let before = births(60_000, &[], &[("A", &[10_000, 20_000])]);
        let after = births(720_000, &[60_000], &[("A", &[10_000, 20_000, 719_500, 719_600, 719_700])]);
        let rows = |group| {
            let table = before.changes(&after, group, true);
            table
                .rows
                .into_iter()
                .map(|row| (row.type_name, (row.difference.bytes / 524_320.0).round()))
                .collect()
        };
        let by_age: Vec<(String, f64)> = rows(Group::Age);
        let expected = [("under 1 s", 3.0), ("10 s to 1 min", -2.0), ("10 min to 1 h", 2.0)];
        for (name, change) in expected {
            assert!(by_age.contains(&(name.to_owned(), change)), "{name}: {by_age:?}");
        }
        assert_eq!(by_age.len(), 3, "{by_age:?}");
        assert_eq!(rows(Group::Route), [("GET /a".to_owned(), 3.0)]);
    }
}
