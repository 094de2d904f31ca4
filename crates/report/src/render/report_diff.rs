//! Renders the difference between two reports as text.

use std::fmt::{self, Display, Formatter};

use super::change::{NO_ROW_DIFFERS, total_of, write_notes, write_rows};
use super::columns;
use crate::instance::InstanceInfo;
use crate::report_diff::ReportDiff;
use crate::units::{Bytes, count, printable, signed_bytes, signed_count};

/// The headings of [`numbers`].
pub const HEADINGS: [&str; 4] = ["number", "before", "after", "change"];

/// What is compared.
pub fn moments(diff: &ReportDiff) -> String {
    let (base, target) = (Moment(&diff.base, &diff.base_at), Moment(&diff.target, &diff.target_at));
    format!("change from {base} to {target}")
}

/// The numbers that changed.
pub fn numbers(diff: &ReportDiff) -> Vec<[String; 4]> {
    let changed = diff.numbers.iter().filter(|(_, number)| number.change != 0);
    let cells = changed.map(|(path, number)| {
        let is_bytes = path.ends_with("_bytes");
        let show = |value| if is_bytes { Bytes(value).to_string() } else { count(value) };
        let change = if is_bytes { signed_bytes(number.change) } else { signed_count(number.change) };
        [printable(path), show(number.base), show(number.target), change]
    });
    cells.collect()
}

/// The change of all rows, and what the star means.
pub fn total(diff: &ReportDiff) -> String {
    total_of(&diff.total, diff.comparison, diff.threshold_stderrs, diff.compared_rows)
}

/// The caveat if not all rows could be compared.
pub fn partial(diff: &ReportDiff) -> Option<&'static str> {
    let caveat = "a table omits rows; a row that only the other table shows was not compared";
    diff.is_partial.then_some(caveat)
}

impl Display for ReportDiff {
    /// The numbers that changed, then the table's columns with signs. A change beyond noise has a star.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", moments(self))?;
        let numbers = numbers(self);
        if !numbers.is_empty() {
            columns::write(f, &HEADINGS, &numbers)?;
            writeln!(f)?;
        }
        write_notes(f, &self.notes)?;
        write_rows(f, &self.rows, self.omitted_rows, NO_ROW_DIFFERS)?;
        writeln!(f, "{}", total(self))?;
        partial(self).map_or(Ok(()), |caveat| writeln!(f, "note: {caveat}"))
    }
}

struct Moment<'a>(&'a InstanceInfo, &'a str);

impl Display for Moment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "instance {} (pid {}, {})", self.0.id.short(), self.0.pid, printable(self.1))
    }
}

#[cfg(test)]
mod tests {
    use crate::report_diff::ReportDiff;
    use crate::sample;

    #[test]
    fn the_numbers_come_first_then_the_table_with_signs() {
        let (base, mut target) = (sample::report(), sample::report());
        target.collected_at = "2026-11-20T12:13:00Z".into();
        target.process.as_mut().unwrap().resident_bytes = Some(537_184_666 + (90 << 20));
        target.types.as_mut().unwrap().rows[0].bytes += 90 << 20;
        let text = ReportDiff::between(&base, &target).unwrap().to_string();
        for line in [
            "change from instance 6f1c9a2e (pid 4242, 2026-11-20T12:12:00Z) to instance 6f1c9a2e (pid 4242, \
             2026-11-20T12:13:00Z)\n",
            "process.resident_bytes | 512.30 MiB | 602.30 MiB | +90.00 MiB\n",
            "HashMap<String, Session> |          +0 |   +90.00 MiB |  4 % *\n",
            "total +0 B (± 4.47 MiB) of 20.00 MiB; * marks more than noise: over 2.5 standard errors",
        ] {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
        let same = ReportDiff::between(&base, &base).unwrap().to_string();
        assert!(same.contains("\n\nno row differs\n"), "{same}");
    }
}
