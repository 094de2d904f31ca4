//! Headings, numbers and tables as HTML, from content that text has too.

use std::fmt;

use maud::{Markup, Render, html};
use memory_debug_report::render::content::Layout;

use crate::prose::prose;
use crate::table::{self, Cell, Heading, Table};

/// Lays out what `write` writes.
pub(crate) fn blocks(write: &dyn Fn(&mut dyn Layout) -> fmt::Result) -> Markup {
    let mut blocks = Blocks::default();
    // This layout does not fail.
    let _ = write(&mut blocks);
    blocks.end_group();
    html! {
        div.sections {
            @for section in &blocks.done {
                section class=[section.is_wide.then_some("wide")] { (section.content) }
            }
        }
    }
}

/// Content that was laid out, in its order.
#[derive(Default)]
struct Blocks {
    done: Vec<Section>,
    /// Numbers that stand together.
    facts: Vec<(String, Option<String>)>,
    /// Statements that stand together, each with its name.
    items: Vec<(String, String)>,
}

/// A heading and what is below it. Sections of numbers alone stand side by side.
struct Section {
    heading: Option<String>,
    content: Markup,
    is_wide: bool,
}

impl Blocks {
    /// Ends the numbers or statements that stand together.
    fn end_group(&mut self) {
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            self.add(&html! {
                dl.items { @for (name, text) in &items { dt { bdi { (name) } } dd { (prose(text)) } } }
            });
            self.section().is_wide = true;
        }
        let facts = std::mem::take(&mut self.facts);
        if !facts.is_empty() {
            let mut table = Table::new(&[]);
            for (name, value) in &facts {
                table.row(&[Cell::Heading(name), number(value.as_ref())]);
            }
            self.add(&html! { table.facts { (table) } });
        }
    }

    fn push(&mut self, block: &Markup) -> fmt::Result {
        self.end_group();
        self.add(block);
        Ok(())
    }

    fn add(&mut self, block: &Markup) {
        block.render_to(&mut self.section().content.0);
    }

    /// The section that is being laid out. Before the first heading, it is as wide as the page.
    fn section(&mut self) -> &mut Section {
        if self.done.is_empty() {
            self.done.push(Section { heading: None, content: Markup::default(), is_wide: true });
        }
        let last = self.done.len() - 1;
        &mut self.done[last]
    }
}

/// A number, or the statement that it is missing.
fn number(value: Option<&String>) -> Cell<'_> {
    value.map_or(Cell::Missing("not available"), |value| Cell::Text(value))
}

impl Layout for Blocks {
    fn heading(&mut self, text: &str) -> fmt::Result {
        self.end_group();
        let heading = text.trim_end_matches(':').to_owned();
        let content = html! { h2 { (heading) } };
        self.done.push(Section { heading: Some(heading), content, is_wide: false });
        Ok(())
    }

    fn paragraph(&mut self, text: &str) -> fmt::Result {
        self.push(&html! { p { (prose(text)) } })
    }

    fn remark(&mut self, text: &str) -> fmt::Result {
        self.push(&html! { p.summary { (prose(text)) } })
    }

    fn fact(&mut self, name: &str, value: Option<String>) -> fmt::Result {
        if !self.items.is_empty() {
            self.end_group();
        }
        self.facts.push((name.to_owned(), value));
        Ok(())
    }

    fn item(&mut self, name: &str, text: &str) -> fmt::Result {
        if !self.facts.is_empty() {
            self.end_group();
        }
        self.items.push((name.to_owned(), text.to_owned()));
        Ok(())
    }

    fn moments(&mut self, moments: &[&str], numbers: &[(&str, Vec<Option<String>>)]) -> fmt::Result {
        let mut headings = vec![Heading::Empty];
        headings.extend(table::texts(moments));
        let mut table = Table::new(&headings);
        for (name, values) in numbers {
            let mut cells = vec![Cell::Heading(name)];
            cells.extend(values.iter().map(|value| number(value.as_ref())));
            table.row(&cells);
        }
        self.push(&html! { table.facts { (table) } })
    }

    fn table(&mut self, headings: &[&str], rows: &[Vec<String>]) -> fmt::Result {
        self.section().is_wide = true;
        // Tables of one page have names of their own, also if they have the same columns.
        let columns = headings.join(", ");
        let name = self.section().heading.as_ref().map(|heading| format!("{heading}: {columns}"));
        let name = name.unwrap_or(columns);
        let headings = table::texts(headings);
        let mut table = Table::new(&headings);
        for row in rows {
            let mut cells: Vec<_> = row.iter().map(|text| Cell::Text(text)).collect();
            if let (Some(first), Some(name)) = (cells.first_mut(), row.first()) {
                *first = Cell::Name(name);
            }
            table.row(&cells);
        }
        self.push(&table.sortable(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_stand_together_are_one_list() {
        let blocks = blocks(&|out| {
            out.heading("not in the sums:")?;
            out.item("a<b", "deadline")?;
            out.item("c", "tls")
        });
        let expected = "<section class=\"wide\"><h2>not in the sums</h2><dl class=\"items\"><dt><bdi>a&lt;b</bdi></dt><dd>deadline</dd>\
                        <dt><bdi>c</bdi></dt><dd>tls</dd></dl></section>";
        let text = blocks.into_string();
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_number_that_is_missing_at_one_moment_is_not_zero() {
        let blocks =
            blocks(&|out| out.moments(&["before", "after"], &[("<dirty>", vec![Some("0 B".into()), None])]));
        let expected = "<tr><th scope=\"row\">&lt;dirty&gt;</th><td>0 B</td><td class=\"missing\">not available</td></tr>";
        let text = blocks.into_string();
        assert!(text.contains("<th scope=\"col\">before</th><th scope=\"col\">after</th>"), "{text}");
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn numbers_that_stand_together_are_one_table() {
        let blocks = blocks(&|out| {
            out.heading("process")?;
            out.fact("resident", Some("1 MiB".to_owned()))?;
            out.fact("peak", None)?;
            out.table(&["size", "live"], &[vec!["<8>".to_owned(), "2".to_owned()]])?;
            out.remark("unused 1 MiB")
        });
        let expected = "<div class=\"sections\"><section class=\"wide\"><h2>process</h2><table class=\"facts\"><tbody><tr><th scope=\"row\">resident</th>\
                        <td>1 MiB</td></tr><tr><th scope=\"row\">peak</th><td class=\"missing\">not available</td>\
                        </tr></tbody></table>";
        let text = blocks.into_string();
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("<th scope=\"row\"><bdi>&lt;8&gt;</bdi></th><td>2</td>"), "{text}");
        assert!(text.ends_with("<p class=\"summary\">unused 1 MiB</p></section></div>"), "{text}");
    }
}
