//! Several processes as one page.

use std::fmt::Write;

use memory_debug_core::{FleetReport, Page, Scope, Selection, TypesView, render};

use crate::audit;
use crate::auth::Authorized;
use crate::fleet::{FleetWanted, Whom};
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::view::{Material, View, written};
use crate::wanted::Wanted;

/// A fleet that was asked for, and what came of it.
pub(crate) struct Asked {
    whom: Whom,
    rows: usize,
    force: bool,
    shows_host: bool,
    report: FleetReport,
}

impl View {
    pub(super) fn fleet(
        &self,
        wanted: &FleetWanted,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let mut report = self.fleet_report(wanted, material, proof)?;
        let TypesView { top, filter, .. } = &wanted.types;
        report.types = report.types.map(|types| types.truncate_filtered(*top, filter.as_deref()));
        self.fitting(*top, material.max_bytes, |body, top| {
            let mut shown = report.clone();
            shown.types = shown.types.map(|types| types.truncate_filtered(top, None));
            match self.format {
                Format::Json => written(render::write_line(body, &shown)),
                _ => written(write!(body, "{shown}")),
            }
        })
    }

    /// What they answer, or have answered to those who came with this one and want another part of it.
    fn fleet_report(
        &self,
        wanted: &FleetWanted,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<FleetReport, Problem> {
        let FleetWanted { whom, rows, .. } = wanted;
        let (rows, force, shows_host) = (*rows, self.force, self.shows_host);
        let is_this = |asked: &&Asked| {
            asked.whom == *whom && (asked.rows, asked.force, asked.shows_host) == (rows, force, shows_host)
        };
        if let Some(asked) = material.fleets.borrow().iter().find(is_this) {
            return Ok(asked.report.clone());
        }
        let mut report = match whom {
            Whom::Siblings { siblings, caller, base } => {
                siblings.ask(caller, base, rows, force, material.deadline)?
            }
            Whom::Peers { peers, own } => {
                if !force {
                    material.collect.headroom(Scope::Everything).map_err(Problem::InsufficientHeadroom)?;
                }
                peers.ask(own.join(self.own(rows), proof), rows, shows_host, material.deadline)?
            }
        };
        report.instances.iter_mut().for_each(|member| self.hide_host(&mut member.instance, None));
        audit::fleet(&report);
        let asked = Asked { whom: whom.clone(), rows, force, shows_host, report: report.clone() };
        material.fleets.borrow_mut().push(asked);
        Ok(report)
    }

    /// This process's own report, as peers are asked for theirs.
    fn own(&self, rows: usize) -> Self {
        let types = TypesView { top: rows, ..TypesView::default() };
        let wanted = Wanted::Page { page: Page::Overview, types, selection: Selection::default() };
        Self { wanted, format: Format::Json, force: self.force, shows_host: true }
    }
}
