//! How the content of a page is laid out.

use std::fmt::{self, Display, Write};

use super::columns;

/// A page that is being written. Text and HTML lay out the same content in their own ways. All texts are printable.
pub trait Layout {
    /// Begins a section.
    fn heading(&mut self, text: &str) -> fmt::Result;

    /// A statement that stands alone.
    fn paragraph(&mut self, text: &str) -> fmt::Result;

    /// A statement about what is above it.
    fn remark(&mut self, text: &str) -> fmt::Result;

    /// A number with its name. `None` if it is missing; the end of the page has the reason.
    fn fact(&mut self, name: &str, value: Option<String>) -> fmt::Result;

    /// A statement about `name`, which is not a number.
    fn item(&mut self, name: &str, text: &str) -> fmt::Result;

    /// Numbers at several moments, each with its name. `None` if one is missing; the end of the page has the reason.
    fn moments(&mut self, moments: &[&str], numbers: &[(&str, Vec<Option<String>>)]) -> fmt::Result;

    /// Rows under their headings. Each row has as many cells as there are headings.
    fn table(&mut self, headings: &[&str], rows: &[Vec<String>]) -> fmt::Result;
}

/// A number with its name.
pub(super) fn fact(out: &mut dyn Layout, name: &str, value: Option<impl Display>) -> fmt::Result {
    out.fact(name, value.map(|value| value.to_string()))
}

/// Rows under their headings.
pub(super) fn table<const N: usize>(
    out: &mut dyn Layout,
    headings: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let rows: Vec<_> = rows.map(Vec::from).collect();
    out.table(&headings, &rows)
}

/// The layout for a terminal.
#[derive(Debug)]
pub struct Terminal<'a, W: ?Sized>(pub &'a mut W);

impl<W: Write + ?Sized> Layout for Terminal<'_, W> {
    fn heading(&mut self, text: &str) -> fmt::Result {
        writeln!(self.0, "\n{text}")
    }

    fn paragraph(&mut self, text: &str) -> fmt::Result {
        writeln!(self.0, "\n{text}")
    }

    fn remark(&mut self, text: &str) -> fmt::Result {
        writeln!(self.0, "{text}")
    }

    fn fact(&mut self, name: &str, value: Option<String>) -> fmt::Result {
        writeln!(self.0, "  {name:<22} {:>20}", value.as_deref().unwrap_or("not available"))
    }

    fn item(&mut self, name: &str, text: &str) -> fmt::Result {
        writeln!(self.0, "  {name}: {text}")
    }

    fn moments(&mut self, moments: &[&str], numbers: &[(&str, Vec<Option<String>>)]) -> fmt::Result {
        write!(self.0, "\n  {:<22}", "")?;
        moments.iter().try_for_each(|moment| write!(self.0, " {moment:>14}"))?;
        writeln!(self.0)?;
        for (name, values) in numbers {
            write!(self.0, "  {name:<22}")?;
            values.iter().try_for_each(|value| write!(self.0, " {:>14}", value.as_deref().unwrap_or("–")))?;
            writeln!(self.0)?;
        }
        Ok(())
    }

    fn table(&mut self, headings: &[&str], rows: &[Vec<String>]) -> fmt::Result {
        columns::write(self.0, headings, rows)
    }
}
