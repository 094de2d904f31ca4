//! Several processes as one page.

use memory_debug_core::{MemoryReport, Scope};

use crate::fleet::{FleetWanted, Whom};
use crate::format::Format;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::view::{Material, View};

impl View {
    pub(super) fn fleet(&self, wanted: &FleetWanted, material: Material<'_>) -> Result<Reply, Problem> {
        let mut report = match &wanted.whom {
            Whom::Siblings { siblings, caller, base } => {
                siblings.ask(caller, base, wanted.rows, self.force)?
            }
            Whom::Peers(peers) => peers.ask(self.own(material), wanted.rows, self.shows_host)?,
        };
        report.instances.iter_mut().for_each(|member| self.hide_host(&mut member.instance, None));
        let filter = wanted.types.filter.as_deref();
        self.fitting(wanted.types.top, material.max_bytes, |top| {
            let mut shown = report.clone();
            shown.types = shown.types.map(|types| types.cut(top, filter));
            match self.format {
                Format::Json => {
                    let json = serde_json::to_string_pretty(&shown);
                    json.expect("a report has nothing that JSON cannot say") + "\n"
                }
                _ => shown.to_string(),
            }
        })
    }
    /// This process's own report, unless there is too little memory left for it.
    fn own(&self, material: Material<'_>) -> Result<MemoryReport, String> {
        match material.collect.headroom(Scope::Everything) {
            Err(shortage) if !self.force => {
                Err(Problem::InsufficientHeadroom(shortage).detail().into_owned())
            }
            _ => Ok(material.collect.collect(Scope::Everything)),
        }
    }
}
