//! `/profiling`: the state of the heap profiler, and changes of it.

use std::sync::Arc;

use memory_debug_core::ProfilingStatus;

use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::html::{self, Site};
use crate::reply::{Problem, Reply};
use crate::request::{Asking, Change, Head, Query, etag};

#[derive(Debug, PartialEq)]
struct Profiling {
    /// The version of the state after a change that the operator just made.
    changed: Option<u64>,
}

#[derive(Debug, PartialEq)]
struct SetProfiling(Change);

pub(crate) fn profiling(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Profiling { changed: asking.query.any_number("changed") }))
}

/// Reads a change of the profiler from the body of the request.
pub(crate) fn set_profiling(
    body: &[u8],
    head: &Head,
    proof: &Authorized,
) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(SetProfiling(Change::read(body, head.if_match.clone(), proof.user())?)))
}

/// Reads a change of the profiler from a form.
pub(crate) fn set_profiling_by_form(
    form: &mut Query,
    head: &Head,
    proof: &Authorized,
) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(SetProfiling(Change::read_form(form, head.if_match.clone(), proof.user())?)))
}

impl PageRequest for Profiling {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let process = material.process()?;
        let status =
            if self.changed.is_some() { process.profiling_after_change() } else { process.profiling() };
        write_status(request, status, self.changed, material)
    }
}

impl PageRequest for SetProfiling {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let status = self.0.make(material.process()?)?;
        match request.see_other(&format!("/profiling?changed={}", status.version)) {
            Some(reply) => Ok(reply),
            None => write_status(request, status, None, material),
        }
    }
}

fn write_status(
    request: &RenderRequest,
    mut status: ProfilingStatus,
    changed: Option<u64>,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    let etag = etag(status.instance.id, status.version);
    request.hide_host(&mut status.instance, Some(&mut status.unavailable));
    let page = |site: &Site| html::profiling(site, &status, &etag, changed);
    Ok(request.document(&status, material.max_bytes, page)?.tagged(etag.clone()))
}
