//! What is asked of the allocator itself.

use std::fmt::{Display, Write};

use memory_debug_core::{Collector, DetailParts, Page, ProfilingStatus, Selection, TypesView, render};
use serde::Serialize;

use super::{Material, View, written};
use crate::auth::Authorized;
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::request::{Change, etag};

impl<'a> Material<'a> {
    fn process(&self) -> Result<&'a Collector, Problem> {
        let elsewhere = || Problem::NoProfile {
            is_built: false,
            reason:
                "the reports of this page are made by the application, which tells nothing of the allocator"
                    .into(),
        };
        self.collect.process().ok_or_else(elsewhere)
    }
}

impl View {
    pub(super) fn detail(
        &self,
        parts: DetailParts,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let collected = material.process()?.collect_detail(parts).into();
        let material = Material { collected: Some(&collected), ..material };
        self.page(Page::Stats, &TypesView::default(), &Selection::default(), material, proof)
    }

    pub(super) fn profiling(&self, material: Material<'_>) -> Result<Reply, Problem> {
        self.profiling_status(material.process()?.profiling(), material)
    }

    pub(super) fn set_profiling(&self, change: &Change, material: Material<'_>) -> Result<Reply, Problem> {
        self.profiling_status(change.make(material.process()?)?, material)
    }

    fn profiling_status(
        &self,
        mut status: ProfilingStatus,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let etag = etag(status.instance.id, status.version);
        self.hide_host(&mut status.instance, Some(&mut status.unavailable));
        Ok(self.status(&status, material)?.tagged(etag))
    }

    pub(super) fn purge(&self, material: Material<'_>) -> Result<Reply, Problem> {
        let purged = material.process()?.purge();
        let mut report =
            purged.map_err(|error| Problem::NoProfile { is_built: false, reason: error.to_string() })?;
        self.hide_host(&mut report.instance, Some(&mut report.unavailable));
        self.status(&report, material)
    }

    /// A document that is whole by itself.
    fn status(&self, status: &(impl Serialize + Display), material: Material<'_>) -> Result<Reply, Problem> {
        self.whole(material.max_bytes, |body| match self.format {
            Format::Json => written(render::write_line(body, status)),
            _ => written(write!(body, "{status}")),
        })
    }
}
