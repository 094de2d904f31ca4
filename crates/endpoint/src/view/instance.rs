//! `/instance`: which process answers.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{InstanceReport, render};

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
        request.whole(material.max_bytes, |body| {
            request.in_form(
                body,
                |site| html::instance(site, &report),
                |body| render::write_line(body, &report),
                |body| write!(body, "{report}"),
            )
        })
    }
}
