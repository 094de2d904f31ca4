//! Renders the allocator's arenas and size classes as text.

use std::fmt::{self, Display, Formatter};

use super::layout::{Layout, Terminal, table};
use super::reasons;
use crate::arena_bins::ArenaBins;
use crate::detail::{AllocatorDetail, ArenaStats, BinStats, LargeStats, SizeClasses};
use crate::report::MemoryReport;
use crate::units::{Bytes, count};

impl Display for AllocatorDetail {
    /// One table for each part that was requested and could be read.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(&mut Terminal(f), self)?;
        write_unused(&mut Terminal(f), self)
    }
}

/// Writes the tables of arenas and of size classes, if they were requested and could be read.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, detail: &AllocatorDetail) -> fmt::Result {
    detail.arenas.iter().try_for_each(|arenas| write_arenas(out, arenas))?;
    detail.size_classes.iter().try_for_each(|classes| write_size_classes(out, classes))
}

/// The heading of the cells of arenas and size classes.
pub const ARENA_BINS: &str = "unused memory by arena and size class";

/// Writes the cells of arenas and size classes with their heading, if they were requested and could be read.
pub(super) fn write_unused(out: &mut dyn Layout, detail: &AllocatorDetail) -> fmt::Result {
    let Some(bins) = &detail.arena_bins else { return Ok(()) };
    out.heading(ARENA_BINS)?;
    write_arena_bins(out, bins)
}

/// Writes the cells of arenas and size classes.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_arena_bins(out: &mut dyn Layout, bins: &ArenaBins) -> fmt::Result {
    table(
        out,
        ["arena", "size", "slabs", "used", "unused", "share"],
        bins.cells.iter().map(|cell| {
            [
                cell.arena.to_string(),
                cell.size_bytes.to_string(),
                count(cell.slabs),
                used(cell.utilisation),
                format!("{:.1}", Bytes(cell.unused_bytes)),
                format!("{:.1} %", 100.0 * bins.share(cell)),
            ]
        }),
    )?;
    arena_bins_summary(bins).try_for_each(|line| out.remark(&line))
}

/// Writes which tables could not be read, with the reasons.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_unavailable(out: &mut dyn Layout, report: &MemoryReport) -> fmt::Result {
    let mut missing = report.unavailable.iter().filter(|(path, _)| path.starts_with("detail")).peekable();
    if missing.peek().is_some() {
        out.heading("not available")?;
    }
    reasons::named(missing).try_for_each(|(names, reason)| out.item(&names, &reason))
}

/// The lines about all cells: the total, and which arenas have no cells.
fn arena_bins_summary(bins: &ArenaBins) -> impl Iterator<Item = String> {
    let (unused, arenas) = (Bytes(bins.unused_bytes), bins.arenas.saturating_add(bins.omitted_arenas));
    let noun = if arenas == 1 { "arena" } else { "arenas" };
    let total = format!("unused regions {unused} in {} {noun}", count(arenas));
    let omitted = (bins.omitted_arenas > 0).then(|| {
        let (omitted, bytes) = (count(bins.omitted_arenas), Bytes(bins.omitted_unused_bytes));
        let shown = count(bins.arenas);
        format!(
            "only the {shown} arenas with the most unused memory are shown; the other {omitted} have {bytes}"
        )
    });
    [total].into_iter().chain(omitted)
}

/// The cell for the share of live regions.
fn used(utilisation: Option<f64>) -> String {
    utilisation.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", 100.0 * share))
}

fn write_arenas(out: &mut dyn Layout, arenas: &[ArenaStats]) -> fmt::Result {
    const HEADINGS: [&str; 12] = [
        "arena",
        "threads",
        "small",
        "large",
        "active",
        "dirty",
        "muzzy",
        "retained",
        "metadata",
        "in caches",
        "dirty ms",
        "muzzy ms",
    ];
    out.heading("arenas")?;
    table(out, HEADINGS, arenas.iter().map(arena))
}

fn arena(arena: &ArenaStats) -> [String; 12] {
    let bytes = |bytes: u64| format!("{:.1}", Bytes(bytes));
    [
        arena.index.to_string(),
        count(arena.threads),
        bytes(arena.small_allocated_bytes),
        bytes(arena.large_allocated_bytes),
        bytes(arena.active_bytes),
        bytes(arena.dirty_bytes),
        bytes(arena.muzzy_bytes),
        bytes(arena.retained_bytes),
        bytes(arena.base_bytes.saturating_add(arena.internal_bytes)),
        bytes(arena.thread_cache_bytes),
        arena.dirty_decay_ms.to_string(),
        arena.muzzy_decay_ms.to_string(),
    ]
}

fn write_size_classes(out: &mut dyn Layout, classes: &SizeClasses) -> fmt::Result {
    const SMALL: [&str; 10] = [
        "size",
        "live",
        "slabs",
        "with room",
        "used",
        "unused",
        "sampled",
        "allocated",
        "requests",
        "lock waits",
    ];
    const LARGE: [&str; 5] = ["size", "live", "total size", "allocated", "freed"];
    out.heading("small size classes")?;
    table(out, SMALL, classes.bins.iter().map(bin))?;
    let (unused, sampled) = (Bytes(classes.unused_bytes), Bytes(classes.sampled_pages_bytes));
    out.remark(&format!("unused regions {unused} · pages of sampled small objects {sampled}"))?;
    out.heading("large size classes")?;
    table(out, LARGE, classes.large.iter().map(large))
}

fn bin(bin: &BinStats) -> [String; 10] {
    [
        bin.size_bytes.to_string(),
        count(bin.live_regions),
        count(bin.slabs),
        count(bin.nonfull_slabs),
        used(bin.utilisation),
        format!("{:.1}", Bytes(bin.unused_bytes)),
        count(bin.sampled_objects),
        count(bin.allocated),
        count(bin.requests),
        count(bin.lock_waits),
    ]
}

fn large(class: &LargeStats) -> [String; 5] {
    [
        format!("{:.0}", Bytes(class.size_bytes)),
        count(class.live),
        Bytes(class.live_bytes).to_string(),
        count(class.allocated),
        count(class.freed),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena_bins::ArenaBin;

    #[test]
    fn every_part_has_a_table() {
        let arena = ArenaStats {
            index: 3,
            threads: 2,
            small_allocated_bytes: 5 << 20,
            dirty_bytes: 1 << 20,
            dirty_decay_ms: 10_000,
            muzzy_decay_ms: -1,
            ..ArenaStats::default()
        };
        let bin = BinStats {
            size_bytes: 48,
            regions_per_slab: 256,
            live_regions: 1280,
            slabs: 20,
            nonfull_slabs: 19,
            allocated: 1290,
            freed: 6,
            requests: 2000,
            ..BinStats::default()
        };
        let class = LargeStats {
            size_bytes: 20 << 10,
            live: 3,
            live_bytes: 60 << 10,
            allocated: 5,
            freed: 2,
            index: 1,
        };
        let mut detail = AllocatorDetail {
            arenas: Some(vec![arena]),
            size_classes: Some(SizeClasses::new(vec![bin.derive()], vec![class], 4096)),
            arena_bins: None,
            duration_us: 7,
        };
        let expected = "
arenas
arena | threads |   small | large | active |   dirty | muzzy | retained | metadata | in caches | dirty ms | muzzy ms
===== | ======= | ======= | ===== | ====== | ======= | ===== | ======== | ======== | ========= | ======== | ========
    3 |       2 | 5.0 MiB |   0 B |    0 B | 1.0 MiB |   0 B |      0 B |      0 B |       0 B |    10000 |       -1

small size classes
size |  live | slabs | with room | used |    unused | sampled | allocated | requests | lock waits
==== | ===== | ===== | ========= | ==== | ========= | ======= | ========= | ======== | ==========
  48 | 1,280 |    20 |        19 | 25 % | 180.0 KiB |       4 |     1,290 |    2,000 |          0
unused regions 180.00 KiB · pages of sampled small objects 16.19 KiB

large size classes
  size | live | total size | allocated | freed
====== | ==== | ========== | ========= | =====
20 KiB |    3 |  60.00 KiB |         5 |     2
";
        assert_eq!(detail.to_string(), expected);
        detail.size_classes = None;
        assert!(!detail.to_string().contains("size classes"));
    }

    #[test]
    fn the_cells_say_which_arenas_are_left_out() {
        let arena = |arena| Ok::<_, fmt::Error>(vec![ArenaBin::new((arena, 3), 48, 256, 20, 1280)]);
        let text = |arenas| {
            let bins = ArenaBins::collect((0..arenas).map(arena)).unwrap();
            AllocatorDetail { arena_bins: Some(bins), ..AllocatorDetail::default() }.to_string()
        };
        let expected = "
unused memory by arena and size class
arena | size | slabs | used |    unused |   share
===== | ==== | ===== | ==== | ========= | =======
    0 |   48 |    20 | 25 % | 180.0 KiB | 100.0 %
unused regions 180.00 KiB in 1 arena
";
        assert_eq!(text(1), expected);
        let line = "only the 64 arenas with the most unused memory are shown; the other 2 have 360.00 KiB\n";
        assert!(text(66).ends_with(line), "{}", text(66));
    }
}
