//! `POST /purge`: returns unused memory to the system.

use std::fmt::{Display, Write};
use std::sync::Arc;

use memory_debug_core::render;
use serde::Serialize;

use super::fit::written;
use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::reply::{Format, Problem, Reply};
use crate::request::Asking;

#[derive(Debug, PartialEq)]
struct Purge;

pub(crate) fn purge(_asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Purge))
}

impl PageRequest for Purge {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let report = material.process()?.purge();
        let mut report = report.map_err(|error| Problem::NotBuiltIn(error.to_string().into()))?;
        request.hide_host(&mut report.instance, Some(&mut report.unavailable));
        write(request, &report, material)
    }
}

/// Writes a document that cannot be truncated.
pub(super) fn write(
    request: &RenderRequest,
    document: &(impl Serialize + Display),
    material: Material<'_>,
) -> Result<Reply, Problem> {
    request.whole(material.max_bytes, |body| match request.format {
        Format::Json => written(render::write_line(body, document)),
        _ => written(write!(body, "{document}")),
    })
}
