//! The parameters of a table of types, as links and forms carry them on.

use maud::{Markup, html};
use memory_debug_report::{Group, Selection, Sort, TypesView};

use crate::site::Site;

/// The rows that a reader asked for.
#[derive(Clone, Copy)]
pub(crate) struct TableQuery<'a> {
    pub(crate) view: &'a TypesView,
    pub(crate) selection: &'a Selection,
}

/// The longest text that the endpoint takes as a parameter.
pub(crate) const MAX_TEXT_BYTES: usize = 128;

/// The numbers of rows that the form offers.
const ROWS: &[usize] = &[20, 50, 200, 1000];

impl TableQuery<'_> {
    /// A link to the same table in another order.
    pub(crate) fn sorted_by(self, site: &Site, sort: Sort) -> String {
        let view = TypesView { sort, ..self.view.clone() };
        site.link_with("/types", &TableQuery { view: &view, ..self }.parameters())
    }

    /// The parameters that differ from the defaults.
    fn parameters(self) -> Vec<(&'static str, String)> {
        let Self { view, selection } = self;
        let usual = (TypesView::default(), Selection::default());
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("group", (selection.group != usual.1.group).then(|| selection.group.as_str().to_owned()));
        add("depth", (selection.depth != usual.1.depth).then(|| selection.depth.frames().to_string()));
        add("filter", view.filter.clone());
        add("focus", selection.focus.clone());
        add("ignore", selection.ignore.clone());
        add("top", (view.top != usual.0.top).then(|| view.top.to_string()));
        add("sort", (view.sort != usual.0.sort).then(|| sort_name(view.sort).to_owned()));
        parameters
    }

    /// The form that asks for other rows.
    pub(crate) fn form(self, site: &Site) -> Markup {
        let Self { view, selection } = self;
        html! {
            form.query action=(site.link("/types")) {
                (group_field(&Group::ALL, selection.group))
                // A script filters the rows while the reader types.
                label { "Name contains "
                    input name="filter" data-filters="type-table" value=[view.filter.as_deref()] maxlength=(MAX_TEXT_BYTES)
                        autocomplete="off" spellcheck="false";
                }
                (text_field("focus", "Stack contains", selection.focus.as_deref()))
                (text_field("ignore", "Stack lacks", selection.ignore.as_deref()))
                (rows_field(view.top))
                @if view.sort != Sort::default() { input type="hidden" name="sort" value=(sort_name(view.sort)); }
                @if selection.depth != Selection::default().depth {
                    input type="hidden" name="depth" value=(selection.depth.frames());
                }
                button { "Show" }
            }
        }
    }
}

/// The choice of what a row stands for.
pub(crate) fn group_field(groups: &[Group], chosen: Group) -> Markup {
    html! {
        label { "Group by "
            select name="group" {
                @for group in groups {
                    option value=(group.as_str()) selected[*group == chosen] { (words(*group)) }
                }
            }
        }
    }
}

/// The choice of the number of rows.
pub(crate) fn rows_field(top: usize) -> Markup {
    let other = (!ROWS.contains(&top)).then_some(&top);
    html! {
        label { "Rows "
            select name="top" {
                @for rows in ROWS.iter().chain(other) { option selected[*rows == top] { (rows) } }
            }
        }
    }
}

/// A literal text that a name or a stack contains.
pub(crate) fn text_field(name: &str, label: &str, value: Option<&str>) -> Markup {
    html! { label { (label) " " input name=(name) value=[value] maxlength=(MAX_TEXT_BYTES) autocomplete="off" spellcheck="false"; } }
}

/// What a row stands for.
fn words(group: Group) -> String {
    group.as_str().replace('_', " ")
}

fn sort_name(sort: Sort) -> &'static str {
    match sort {
        Sort::Bytes => "bytes",
        Sort::Count => "count",
        Sort::Name => "name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_what_the_reader_asked_for() {
        let site = Site::new("/debug/memory", "/types", "ops", "read");
        let usual = TableQuery { view: &TypesView::default(), selection: &Selection::default() };
        assert_eq!(usual.sorted_by(&site, Sort::Bytes), "./types");
        let view = TypesView { top: 200, sort: Sort::Bytes, filter: Some("Vec<".into()) };
        let selection = Selection::new(Group::SizeClass, Some("push".into()), Some("a b".into()));
        let asked = TableQuery { view: &view, selection: &selection };
        let link = "./types?group=size_class&filter=Vec%3C&focus=push&ignore=a%20b&top=200&sort=count";
        assert_eq!(asked.sorted_by(&site, Sort::Count), link);
    }

    #[test]
    fn the_form_shows_what_the_reader_asked_for_even_if_it_does_not_offer_it() {
        let site = Site::new("/debug/memory", "/types", "ops", "read");
        let view = TypesView { top: 7, sort: Sort::Name, filter: Some("<\"".into()) };
        let form = TableQuery { view: &view, selection: &Group::Thread.into() }.form(&site).into_string();
        for wanted in [
            "<option value=\"thread\" selected>thread</option>",
            "<option selected>7</option>",
            "value=\"&lt;&quot;\"",
            "<input type=\"hidden\" name=\"sort\" value=\"name\">",
        ] {
            assert!(form.contains(wanted), "{wanted}: {form}");
        }
    }
}
