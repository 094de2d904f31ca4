//! Several processes as one page.

use crate::fleet::FleetWanted;
use crate::format::Format;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::view::View;

impl View {
    pub(super) fn fleet(&self, wanted: &FleetWanted, max_bytes: usize) -> Result<Reply, Problem> {
        let mut report = wanted.siblings.ask(wanted, self.force)?;
        report.instances.iter_mut().for_each(|member| self.hide_host(&mut member.instance, None));
        let filter = wanted.types.filter.as_deref();
        self.fitting(wanted.types.top, max_bytes, |top| {
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
}
