//! `/stats?detail=`: statistics by arena and by size class.

use memory_debug_core::{DetailParts, Page, Selection, TypesView};

use super::kind::Kind;
use super::page_request::{Material, PageRequest, RenderRequest};
use super::report_writer;
use crate::auth::Authorized;
use crate::reply::{Problem, Reply};
use crate::request::Query;

/// A request for statistics by arena or size class.
#[derive(Debug, PartialEq)]
pub(super) struct Detail {
    pub(super) parts: DetailParts,
}

impl Detail {
    /// Reads the requested parts. The default is no part.
    pub(super) fn read(query: &mut Query) -> DetailParts {
        let parts = query.read("detail", |value| {
            let mut parts = DetailParts::default();
            for part in value.split(',') {
                match part {
                    "arenas" => parts.arenas = true,
                    "bins" => parts.size_classes = true,
                    "arena_bins" => parts.arena_bins = true,
                    _ => {
                        let parts = "`arenas`, `bins`, `arena_bins`";
                        return Err(format!("must be one or more of {parts}, separated by commas"));
                    }
                }
            }
            Ok(parts)
        });
        parts.unwrap_or_default()
    }
}

impl PageRequest for Detail {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let collected = material.process()?.collect_detail(self.parts).into();
        let material = Material { collected: Some(&collected), ..material };
        report_writer::write(
            request,
            Page::Stats,
            &TypesView::default(),
            &Selection::default(),
            None,
            material,
            proof,
        )
    }

    fn kind(&self, _default: Kind) -> Kind {
        Kind::Allocator
    }
}
