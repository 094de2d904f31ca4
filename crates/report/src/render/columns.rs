//! Renders tables with any number of columns.

use std::fmt::{self, Write};

/// Widest column. A longer cell sticks out instead of widening the whole table, because names may come from untrusted
/// sources.
const MAX_WIDTH: usize = 1000;

/// Writes rows under their headings, aligned to the right.
pub(super) fn write<const N: usize>(
    out: &mut (impl Write + ?Sized),
    headings: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let rows: Vec<_> = rows.collect();
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count().min(MAX_WIDTH));
        }
    }
    write_aligned(out, headings, &rows, widths)
}

/// Writes rows under their headings in columns of these widths. A cell that is wider sticks out.
pub(super) fn write_aligned<const N: usize>(
    out: &mut (impl Write + ?Sized),
    headings: [&str; N],
    rows: &[[String; N]],
    widths: [usize; N],
) -> fmt::Result {
    write_line(out, widths, &headings.map(str::to_owned))?;
    write_line(out, widths, &widths.map(|width| "=".repeat(width)))?;
    rows.iter().try_for_each(|row| write_line(out, widths, row))
}

fn write_line<const N: usize>(
    out: &mut (impl Write + ?Sized),
    widths: [usize; N],
    cells: &[String; N],
) -> fmt::Result {
    for (index, (width, cell)) in widths.into_iter().zip(cells).enumerate() {
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
        super::write(&mut text, ["no", "size"], rows.into_iter()).unwrap();
        assert_eq!(text, " no |     size\n=== | ========\n  1 | 2.00 KiB\n100 |        –\n");
    }

    #[test]
    fn one_long_cell_does_not_widen_its_column() {
        let mut text = String::new();
        let rows = ["x".repeat(100_000), "y".to_owned()].map(|cell| [cell]);
        super::write(&mut text, ["name"], rows.into_iter()).unwrap();
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [1000, 1000, 100_000, 1000]);
    }
}
