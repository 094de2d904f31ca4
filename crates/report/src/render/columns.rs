//! Tables with any number of columns.

use std::fmt::{self, Write};

/// No column is wider. A cell that is longer sticks out, instead of giving its length to the whole table: names may come
/// from strangers.
const MAX_WIDTH: usize = 1000;

/// Writes rows of numbers under their headings, all to the right.
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
    fn one_long_cell_does_not_widen_all() {
        let mut text = String::new();
        let rows = ["x".repeat(100_000), "y".to_owned()].map(|cell| [cell]);
        super::write(&mut text, ["name"], rows.into_iter()).unwrap();
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [1000, 1000, 100_000, 1000]);
    }
}
