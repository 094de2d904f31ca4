//! Unused memory by arena and size class as a picture: a table whose cells are coloured.

use maud::{Markup, html};
use memory_debug_report::units::Bytes;
use memory_debug_report::{ArenaBin, ArenaBins};

use crate::table::{self, Heading, Table};

/// The number of colours.
const STEPS: u64 = 6;

/// A cell with at least this share of all unused bytes has a number.
const SHARE_WITH_NUMBER: f64 = 0.01;

/// A row for each arena, a column for each size class.
///
/// Colour is not the only channel: large cells have a number, and the list below the picture has every cell.
pub(crate) fn heat_map(bins: &ArenaBins) -> Markup {
    let classes = distinct(bins, |cell| (cell.size_bytes, cell.bin));
    let arenas = distinct(bins, |cell| (cell.arena, 0));
    let most = bins.cells.iter().map(|cell| cell.unused_bytes).max().unwrap_or_default();
    let sizes: Vec<String> = classes.iter().map(|(size, _)| format!("{size}")).collect();
    let mut headings = vec![Heading::Text("arena")];
    headings.extend(sizes.iter().map(|size| Heading::Text(size)));
    let mut table = Table::new(&headings);
    for (arena, _) in &arenas {
        let cells: Vec<_> = bins.cells.iter().filter(|cell| cell.arena == *arena).collect();
        table.other_row(&html! {
            tr {
                th scope="row" { (arena) }
                @for (_, bin) in &classes {
                    (square(bins, cells.iter().find(|cell| cell.bin == *bin).copied(), most))
                }
            }
        });
    }
    html! {
        (table::scrolling("Unused memory by arena and size class", &html! { table.heat { (table) } }))
        (legend(most))
    }
}

/// The values of `key` in all cells, in their order.
fn distinct(bins: &ArenaBins, key: fn(&ArenaBin) -> (u64, u64)) -> Vec<(u64, u64)> {
    let mut keys = Vec::new();
    for key in bins.cells.iter().map(key) {
        if let Err(place) = keys.binary_search(&key) {
            keys.insert(place, key);
        }
    }
    keys
}

fn square(bins: &ArenaBins, cell: Option<&ArenaBin>, most: u64) -> Markup {
    html! {
        @match cell {
            Some(cell) => td class={ "heat-" (step(cell.unused_bytes, most)) } {
                @if cell.unused_bytes > 0 && bins.share(cell) >= SHARE_WITH_NUMBER {
                    (format!("{:.0}", Bytes(cell.unused_bytes)))
                } @else {
                    "·"
                }
            },
            None => td {},
        }
    }
}

/// The colour of a size: equal steps up to the largest cell.
fn step(bytes: u64, most: u64) -> u64 {
    let steps = u128::from(bytes) * u128::from(STEPS);
    u64::try_from(steps.div_ceil(u128::from(most.max(1)))).unwrap_or(STEPS).clamp(1, STEPS)
}

fn legend(most: u64) -> Markup {
    html! {
        ul.legend {
            @for step in 1..=STEPS {
                @let bound = u128::from(most) * u128::from(step) / u128::from(STEPS);
                li {
                    span class={ "swatch heat-" (step) } {}
                    "up to " (format!("{:.0}", Bytes(u64::try_from(bound).unwrap_or(most))))
                }
            }
            li { "·: less than 1 % of the total" }
            li { "empty: no slabs" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(cells: &[(u64, u64, u64)]) -> ArenaBins {
        let cell = |(arena, bin, free): &(u64, u64, u64)| {
            Ok::<_, ()>(vec![ArenaBin::new((*arena, *bin), 8 * (bin + 1), 1000, 1, 1000 - free)])
        };
        ArenaBins::collect(cells.iter().map(cell)).unwrap()
    }

    #[test]
    fn a_cell_has_a_colour_and_a_large_cell_a_number() {
        let text = heat_map(&bins(&[(0, 0, 1000), (0, 1, 1), (3, 1, 500), (3, 2, 0)])).into_string();
        for row in [
            "<th scope=\"row\">0</th><td class=\"heat-6\">8 KiB</td><td class=\"heat-1\">·</td><td></td>",
            "<th scope=\"row\">3</th><td></td><td class=\"heat-6\">8 KiB</td><td class=\"heat-1\">·</td>",
        ] {
            assert!(text.contains(row), "{row}: {text}");
        }
        assert!(text.contains("<th scope=\"col\">8</th><th scope=\"col\">16</th><th scope=\"col\">24</th>"));
        assert!(text.contains("up to 8 KiB") && text.contains("up to 1 KiB"), "{text}");
    }

    #[test]
    fn colours_are_equal_steps_up_to_the_largest_cell() {
        assert_eq!([0, 1, 10, 11, 50, 51, 60].map(|bytes| step(bytes, 60)), [1, 1, 1, 2, 5, 6, 6]);
        assert_eq!([step(0, 0), step(u64::MAX, u64::MAX), step(u64::MAX, 1)], [1, 6, 6]);
    }
}
