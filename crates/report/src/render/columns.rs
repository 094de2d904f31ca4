//! Renders tables with any number of columns.

use std::fmt::{self, Write};

/// Widest column. A longer cell sticks out instead of widening the whole table, because names may come from untrusted
/// sources.
const MAX_WIDTH: usize = 1000;

/// Writes rows under their headings, aligned to the right.
pub(super) fn write<R: AsRef<[String]>>(
    out: &mut (impl Write + ?Sized),
    headings: &[&str],
    rows: &[R],
) -> fmt::Result {
    let mut widths: Vec<_> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = (*width).max(cell.chars().count().min(MAX_WIDTH));
        }
    }
    write_aligned(out, headings, rows, &widths)
}

/// Writes rows under their headings in columns of these widths. A cell that is wider sticks out.
pub(super) fn write_aligned<R: AsRef<[String]>>(
    out: &mut (impl Write + ?Sized),
    headings: &[&str],
    rows: &[R],
    widths: &[usize],
) -> fmt::Result {
    write_line(out, widths, headings.iter().copied())?;
    let rules: Vec<_> = widths.iter().map(|width| "=".repeat(*width)).collect();
    write_line(out, widths, rules.iter().map(String::as_str))?;
    rows.iter().try_for_each(|row| write_line(out, widths, row.as_ref().iter().map(String::as_str)))
}

fn write_line<'a>(
    out: &mut (impl Write + ?Sized),
    widths: &[usize],
    cells: impl Iterator<Item = &'a str>,
) -> fmt::Result {
    for (index, (width, cell)) in widths.iter().zip(cells).enumerate() {
        let separator = if index == 0 { "" } else { " | " };
        write!(out, "{separator}{cell:>width$}")?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut text = String::new();
        let rows = [["1", "2.00 KiB"], ["100", "–"]].map(|row| row.map(str::to_owned));
        super::write(&mut text, &["no", "size"], &rows).unwrap();
        assert_eq!(text, " no |     size\n=== | ========\n  1 | 2.00 KiB\n100 |        –\n");
    }

    #[test]
    fn one_long_cell_does_not_widen_its_column() {
        let mut text = String::new();
        let rows = ["x".repeat(100_000), "y".to_owned()].map(|cell| [cell]);
        super::write(&mut text, &["name"], &rows).unwrap();
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [1000, 1000, 100_000, 1000]);
    }
}
