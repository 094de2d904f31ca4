//! jemalloc's slabs by arena and size class.

use memory_debug_report::{ArenaBin, ArenaBins};

use super::detail::arenas_in_use;
use crate::mallctl::{self, Error, Mib};

/// The keys of a cell.
struct Keys {
    slabs: Mib<usize, 2>,
    live_regions: Mib<usize, 2>,
}

/// A size class: the size of its regions, and their number in a slab.
struct Class {
    size_bytes: u64,
    regions_per_slab: u64,
}

/// Reads the slabs of each arena in use by size class, as of the last epoch. Takes one read for a cell without slabs
/// and two for a cell with slabs.
pub(crate) fn read_arena_bins() -> Result<ArenaBins, Error> {
    let keys =
        Keys { slabs: mallctl::BIN_SLABS.look_up()?, live_regions: mallctl::BIN_LIVE_REGIONS.look_up()? };
    let classes = classes()?;
    ArenaBins::collect(arenas_in_use()?.map(|arena| keys.cells(arena, &classes)))
}

fn classes() -> Result<Vec<Class>, Error> {
    let (size, regions) = (mallctl::BIN_SIZE.look_up()?, mallctl::BIN_REGIONS.look_up()?);
    let class = |bin| {
        let (size_bytes, regions_per_slab) = (size.read([bin])? as u64, regions.read([bin])?.into());
        Ok(Class { size_bytes, regions_per_slab })
    };
    (0..mallctl::ARENAS_BINS.read()? as usize).map(class).collect()
}

impl Keys {
    /// The cells of an arena that have slabs.
    fn cells(&self, arena: usize, classes: &[Class]) -> Result<Vec<ArenaBin>, Error> {
        let mut cells = Vec::new();
        for (bin, Class { size_bytes, regions_per_slab }) in classes.iter().enumerate() {
            let slabs = self.slabs.read([arena, bin])? as u64;
            if slabs > 0 {
                let live_regions = self.live_regions.read([arena, bin])? as u64;
                let place = (arena as u64, bin as u64);
                cells.push(ArenaBin::new(place, *size_bytes, *regions_per_slab, slabs, live_regions));
            }
        }
        Ok(cells)
    }
}
