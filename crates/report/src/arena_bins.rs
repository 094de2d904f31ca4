//! The unused memory of small size classes, by arena.
//!
//! These types are part of the wire format, like the types of `report`.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

/// Most arenas with cells of their own. Each arena can have some 40 cells.
const MAX_ARENAS: usize = 64;

/// Which arenas have unused memory in which small size classes. Only the same arena can use it, for the same class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ArenaBins {
    /// A cell for each arena and size class with slabs, the most unused bytes first.
    pub cells: Vec<ArenaBin>,
    /// Number of arenas with cells.
    pub arenas: u64,
    /// Unused bytes of all arenas, with or without cells.
    pub unused_bytes: u64,
    /// Number of arenas that have slabs but no cells here, because at most 64 arenas have cells: those with the most
    /// unused bytes.
    pub omitted_arenas: u64,
    /// Unused bytes of the omitted arenas.
    pub omitted_unused_bytes: u64,
}

/// The slabs of one size class in one arena.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ArenaBin {
    /// Index of the arena in jemalloc.
    pub arena: u64,
    /// Index of the size class in jemalloc.
    pub bin: u64,
    /// Size of a region of the class.
    pub size_bytes: u64,
    /// Number of slabs.
    pub slabs: u64,
    /// Share of the slabs' regions that are live, from 0 to 1.
    pub utilisation: Option<f64>,
    /// Size of the regions that are not live.
    pub unused_bytes: u64,
}

impl ArenaBins {
    /// Collects the cells of one arena after another. Only the cells of the arenas with the most unused bytes are kept
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// The first error of `arenas`.
    pub fn collect<E>(arenas: impl Iterator<Item = Result<Vec<ArenaBin>, E>>) -> Result<Self, E> {
        let mut bins = Self::default();
        let mut kept: Vec<(u64, Vec<ArenaBin>)> = Vec::new();
        for cells in arenas {
            let cells = cells?;
            if cells.is_empty() {
                continue;
            }
            let unused = cells.iter().fold(0, |sum: u64, cell| sum.saturating_add(cell.unused_bytes));
            bins.unused_bytes = bins.unused_bytes.saturating_add(unused);
            kept.push((unused, cells));
            if kept.len() > MAX_ARENAS {
                let least = (0..kept.len()).min_by_key(|index| (kept[*index].0, Reverse(*index)));
                let (unused, _) = kept.remove(least.unwrap_or_default());
                bins.omitted_arenas += 1;
                bins.omitted_unused_bytes = bins.omitted_unused_bytes.saturating_add(unused);
            }
        }
        bins.arenas = kept.len() as u64;
        bins.cells = kept.into_iter().flat_map(|(_, cells)| cells).collect();
        // The sort is stable, so equal cells stay in the order of arenas and classes.
        bins.cells.sort_by_key(|cell| Reverse(cell.unused_bytes));
        Ok(bins)
    }

    /// The share of a cell in the unused bytes of all arenas, from 0 to 1.
    pub fn share(&self, cell: &ArenaBin) -> f64 {
        cell.unused_bytes as f64 / self.unused_bytes.max(1) as f64
    }
}

impl ArenaBin {
    /// A cell of an arena. `regions_per_slab` belongs to the class, `live_regions` to the arena's slabs of the class.
    pub fn new(
        (arena, bin): (u64, u64),
        size_bytes: u64,
        regions_per_slab: u64,
        slabs: u64,
        live_regions: u64,
    ) -> Self {
        let (utilisation, unused_bytes) = room(slabs, regions_per_slab, live_regions, size_bytes);
        Self { arena, bin, size_bytes, slabs, utilisation, unused_bytes }
    }
}

/// The share of regions that are live, and the size of the others. Without slabs there is no share.
pub(crate) fn room(
    slabs: u64,
    regions_per_slab: u64,
    live_regions: u64,
    size_bytes: u64,
) -> (Option<f64>, u64) {
    let regions = slabs.saturating_mul(regions_per_slab);
    let utilisation = (regions > 0).then(|| live_regions as f64 / regions as f64);
    (utilisation, regions.saturating_sub(live_regions).saturating_mul(size_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of an arena whose classes have this many free regions of 8 bytes.
    fn arena(arena: u64, free: &[u64]) -> Result<Vec<ArenaBin>, String> {
        let cells = (0..).zip(free);
        Ok(cells.map(|(bin, free)| ArenaBin::new((arena, bin), 8, 512, 1, 512 - free)).collect())
    }

    #[test]
    fn cells_are_sorted_and_add_up() {
        let arenas = [arena(0, &[1, 512]), arena(1, &[]), arena(2, &[1, 9])];
        let bins = ArenaBins::collect(arenas.into_iter()).unwrap();
        let cells: Vec<_> = bins.cells.iter().map(|cell| (cell.arena, cell.bin, cell.unused_bytes)).collect();
        assert_eq!(cells, [(0, 1, 4096), (2, 1, 72), (0, 0, 8), (2, 0, 8)]);
        assert_eq!((bins.arenas, bins.unused_bytes, bins.omitted_arenas), (2, 4184, 0));
        assert_eq!((bins.cells[0].utilisation, bins.cells[0].slabs), (Some(0.0), 1));
        assert!((bins.share(&bins.cells[0]) - 4096.0 / 4184.0).abs() < 1e-9);
    }

    #[test]
    fn only_the_arenas_with_the_most_unused_bytes_have_cells() {
        let arenas = (0..100).map(|number| arena(number, &[number % 50, 1]));
        let bins = ArenaBins::collect(arenas).unwrap();
        assert_eq!((bins.arenas, bins.omitted_arenas, bins.cells.len()), (64, 36, 128));
        let omitted: u64 = (0..18).map(|free| 2 * 8 * (free + 1)).sum();
        assert_eq!(bins.omitted_unused_bytes, omitted);
        let shown: u64 = bins.cells.iter().map(|cell| cell.unused_bytes).sum();
        assert_eq!(shown + omitted, bins.unused_bytes);
    }

    #[test]
    fn an_arena_that_cannot_be_read_is_an_error_and_no_empty_arena() {
        let arenas = [arena(0, &[1]), Err("no such arena".to_owned())];
        assert_eq!(ArenaBins::collect(arenas.into_iter()), Err("no such arena".to_owned()));
    }

    #[test]
    fn nothing_unused_has_no_share_of_nothing() {
        let bins = ArenaBins::collect([arena(0, &[0])].into_iter()).unwrap();
        assert_eq!((bins.unused_bytes, bins.share(&bins.cells[0])), (0, 0.0));
    }
}
