//! `/profiling`: the state of the heap profiler, and changes of it.

use std::sync::Arc;

use memory_debug_core::ProfilingStatus;

use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::reply::{Problem, Reply};
use crate::request::{Asking, Change, IfMatch, etag};

#[derive(Debug, PartialEq)]
struct Profiling;

#[derive(Debug, PartialEq)]
struct SetProfiling(Change);

pub(crate) fn profiling(_asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Profiling))
}

/// Reads a change of the profiler from the body of the request.
pub(crate) fn set_profiling(
    body: &[u8],
    if_match: IfMatch,
    proof: &Authorized,
) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(SetProfiling(Change::read(body, if_match, proof.user())?)))
}

impl PageRequest for Profiling {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        write_status(request, material.process()?.profiling(), material)
    }
}

impl PageRequest for SetProfiling {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        write_status(request, self.0.make(material.process()?)?, material)
    }
}

fn write_status(
    request: &RenderRequest,
    mut status: ProfilingStatus,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    let etag = etag(status.instance.id, status.version);
    request.hide_host(&mut status.instance, Some(&mut status.unavailable));
    Ok(request.document(&status, material.max_bytes)?.tagged(etag))
}
