//! The page of the allocator by arena and size class.

use maud::html;
use memory_debug_report::render::content;
use memory_debug_report::{AllocatorDetail, MemoryReport};

use crate::blocks::blocks;
use crate::detail_links::detail_links;
use crate::heat_map::heat_map;
use crate::layout;
use crate::site::Site;

/// The requested tables of the allocator, and unused memory by arena and size class as a picture with a list.
pub fn allocator(site: &Site, report: &MemoryReport, detail: &AllocatorDetail) -> String {
    let body = html! {
        p.summary { (content::collected(report)) }
        (detail_links(site))
        p { (site.a("/stats", "All numbers of the process and the allocator")) }
        (blocks(&|out| content::write_missing_detail(out, report)))
        @if let Some(bins) = &detail.arena_bins {
            h2 { (content::ARENA_BINS) }
            (heat_map(bins))
        }
        (blocks(&|out| content::write_detail(out, detail)))
        @if let Some(bins) = &detail.arena_bins {
            h2 { "all cells of the picture" }
            (blocks(&|out| content::write_arena_bins(out, bins)))
        }
    };
    layout::page(site, "Allocator", &content::identity(report), &body)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(detail: Value, unavailable: Value) -> String {
        let report: MemoryReport = serde_json::from_value(json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
            "collected_at": "2026-11-20T12:12:00Z", "duration_us": 1, "unavailable": unavailable,
            "detail": detail,
        }))
        .unwrap();
        allocator(
            &Site::new("/debug/memory", "/stats", "ops", "read"),
            &report,
            report.detail.as_ref().unwrap(),
        )
    }

    fn cell(arena: u64, bin: u64, unused_bytes: u64) -> Value {
        json!({"arena": arena, "bin": bin, "size_bytes": 8 * (bin + 1), "slabs": 1, "utilisation": 0.25,
               "unused_bytes": unused_bytes})
    }

    #[test]
    fn the_picture_and_the_list_have_the_same_cells() {
        let cells = [cell(7, 1, 4096), cell(3, 0, 64), cell(3, 1, 0)];
        let bins = json!({"cells": cells, "arenas": 2, "unused_bytes": 9000, "omitted_arenas": 5,
                          "omitted_unused_bytes": 4840});
        let page = page(json!({"arena_bins": bins}), json!({}));
        let (picture, list) = page.split_once("all cells of the picture").unwrap();
        assert_eq!(picture.matches("<td class=\"heat-").count(), 3, "{page}");
        assert_eq!(list.matches("<tr>").count(), 1 + 3, "{page}");
        assert!(list.contains("<td>4.0 KiB</td><td>45.5 %</td>"), "{page}");
        let omitted = "only the 2 arenas with the most unused memory are shown; the other 5 have 4.73 KiB";
        assert!(list.contains(omitted), "{page}");
        assert!(!page.contains("style="), "{page}");
    }

    #[test]
    fn a_table_that_cannot_be_read_has_its_reason_and_no_picture() {
        let unavailable = json!({"detail.arena_bins": "mallctl <refused>", "cgroup": "no group"});
        let page = page(json!({}), unavailable);
        let reason = "<dt><bdi>detail.arena_bins</bdi></dt><dd>mallctl &lt;refused&gt;</dd>";
        assert!(page.contains("<h2>not available</h2>") && page.contains(reason), "{page}");
        assert!(!page.contains("no group") && !page.contains("heat"), "{page}");
        assert!(page.contains("href=\"./stats?detail=arenas,bins,arena_bins\""), "{page}");
    }
}
