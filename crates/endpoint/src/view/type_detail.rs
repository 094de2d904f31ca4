//! `/types/{row}`: one type of the table.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{RowId, Snapshots, Work, render};

use super::fit::comparison;
use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

#[derive(Debug, PartialEq)]
struct OneType {
    id: RowId,
}

pub(crate) fn type_detail(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(OneType { id: asking.row()? }))
}

impl PageRequest for OneType {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let collected = material.collected()?;
        let detail = collected.type_detail(&material.snapshots.list(), self.id);
        let detail = detail.map_err(|error| Problem::of_profile(&collected.report, &error))?;
        let mut detail = detail.ok_or(Problem::UnknownType)?;
        request.hide_host(&mut detail.instance, None);
        request.whole(material.max_bytes, |body| {
            request.in_form(
                body,
                |site| html::type_detail(site, &detail),
                |body| render::write_document(body, "detail", &detail),
                |body| write!(body, "{detail}"),
            )
        })
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        Some(comparison(snapshots))
    }
}
