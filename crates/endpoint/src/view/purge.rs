//! `POST /purge`: returns unused memory to the system.

use std::sync::Arc;

use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};
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
        request.document(&report, material.max_bytes, |site| html::purge(site, &report))
    }
}
