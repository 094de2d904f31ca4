//! Tables, from their headings and cells.
//!
//! Cells are data, so that all tables share the code that writes their elements.

use std::fmt::Display;

use maud::{Markup, Render, display, html};

/// The heading of a column.
#[derive(Clone, Copy)]
pub(crate) enum Heading<'a> {
    /// No heading, above the headings of rows.
    Empty,
    Text(&'a str),
    /// A name of the service.
    Name(&'a str),
    /// One standard error of the column before it.
    Error,
    /// A column of pictures.
    Picture(&'a str),
    /// A column of explanations.
    About(&'a str),
}

/// A cell of a row.
pub(crate) enum Cell<'a> {
    /// The heading of the row.
    Heading(&'a str),
    /// The heading of the row, with a picture or a link.
    Head(&'a Markup),
    /// The heading of the row, which is a name of the service.
    Name(&'a str),
    Text(&'a str),
    /// Text with the value that sorts the rows.
    Sorted(&'a dyn Display, &'a str),
    /// A number that a script updates: its name, its value and its text.
    Live(&'a str, &'a dyn Display, &'a str),
    /// An explanation.
    About(&'a str),
    /// A statement that a number is missing.
    Missing(&'a str),
    Markup(&'a Markup),
    /// A picture.
    Picture(&'a Markup),
    /// A picture with the value that sorts the rows.
    SortedPicture(&'a dyn Display, &'a Markup),
}

/// The content of a table: the row of headings, if it has any, then the rows.
pub(crate) struct Table<'a> {
    headings: &'a [Heading<'a>],
    rows: Markup,
}

impl<'a> Table<'a> {
    pub(crate) fn new(headings: &'a [Heading<'a>]) -> Self {
        Self { headings, rows: Markup::default() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) {
        self.other_row(&html! { tr { @for cell in cells { (cell) } } });
    }

    /// Adds a row that has other cells.
    pub(crate) fn other_row(&mut self, row: &Markup) {
        row.render_to(&mut self.rows.0);
    }

    /// The table, whose rows a script can sort, in a region that scrolls.
    pub(crate) fn sortable(&self, name: &str) -> Markup {
        scrolling(name, &html! { table data-sortable { (self) } })
    }

    /// The table in a region that scrolls.
    pub(crate) fn plain(&self, name: &str) -> Markup {
        scrolling(name, &html! { table { (self) } })
    }
}

/// A region that scrolls if its table is wider than the page.
pub(crate) fn scrolling(name: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(name) tabindex="0" { (table) } }
}

/// Headings of text.
pub(crate) fn texts<'a>(names: &[&'a str]) -> Vec<Heading<'a>> {
    names.iter().map(|name| Heading::Text(name)).collect()
}

impl Render for Table<'_> {
    fn render(&self) -> Markup {
        html! {
            @if !self.headings.is_empty() { thead { tr { @for heading in self.headings { (heading) } } } }
            tbody { (self.rows) }
        }
    }
}

impl Render for Heading<'_> {
    fn render(&self) -> Markup {
        html! {
            @match self {
                Heading::Empty => td {},
                Heading::Text(name) => th scope="col" { (name) },
                Heading::Name(name) => th scope="col" { bdi { (name) } },
                Heading::Error => th scope="col" { abbr title="one standard error" { "±" } },
                Heading::Picture(name) => th.picture scope="col" { (name) },
                Heading::About(name) => th.about scope="col" { (name) },
            }
        }
    }
}

impl Render for Cell<'_> {
    fn render(&self) -> Markup {
        html! {
            @match self {
                Cell::Heading(text) => th scope="row" { (text) },
                Cell::Head(head) => th scope="row" { (head) },
                Cell::Name(name) => th scope="row" { bdi { (name) } },
                Cell::Text(text) => td { (text) },
                Cell::Sorted(value, text) => td data-value=(display(value)) { (text) },
                Cell::Live(name, value, text) => td data-field=(name) data-value=(display(value)) { (text) },
                Cell::About(text) => td.about { (text) },
                Cell::Missing(statement) => td.missing { (statement) },
                Cell::Markup(content) => td { (content) },
                Cell::Picture(picture) => td.picture { (picture) },
                Cell::SortedPicture(value, picture) => td.picture data-value=(display(value)) { (picture) },
            }
        }
    }
}
