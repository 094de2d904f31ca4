//! `/instance`: which process answers.

use std::sync::Arc;

use memory_debug_core::InstanceReport;

use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

#[derive(Debug, PartialEq)]
struct Instance;

pub(crate) fn instance(_asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Instance))
}

impl PageRequest for Instance {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let mut report = InstanceReport::of(material.report()?);
        request.hide_host(&mut report.instance, Some(&mut report.unavailable));
        request.document(&report, material.max_bytes, |site| html::instance(site, &report))
    }
}
