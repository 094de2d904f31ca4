//! `/monitor` and `/monitor/tasks`: the monitor of this process, and the tasks that it knows.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{MonitorHandle, render};

use super::fit::truncation;
use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

#[derive(Debug, PartialEq)]
struct Monitor {
    monitor: Option<MonitorHandle>,
    /// Maximum number of events.
    top: usize,
}

#[derive(Debug, PartialEq)]
struct Tasks {
    monitor: Option<MonitorHandle>,
    /// Maximum number of tasks.
    top: usize,
}

pub(crate) fn monitor(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Monitor { monitor: asking.monitor.cloned(), top: asking.query.top() }))
}

pub(crate) fn tasks(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Tasks { monitor: asking.monitor.cloned(), top: asking.query.top() }))
}

impl PageRequest for Monitor {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let mut report = material.ask(|process| process.monitor_report(self.monitor.as_ref()));
        request.hide_host(&mut report.instance, Some(&mut report.unavailable));
        let events = report.monitor.as_ref().map_or(0, |monitor| monitor.events.len());
        let shown = events.min(self.top);
        request.fitting(shown, material.max_bytes, |body, top| {
            let mut report = report.clone();
            report.keep_events(top);
            let note = truncation(top, shown, material.max_bytes);
            request.in_form(
                body,
                |site| html::monitor(site, &report, note.as_deref()),
                |body| render::write_line(body, &report),
                |body| write!(body, "{report}"),
            )
        })
    }
}

impl PageRequest for Tasks {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let mut report = material.ask(|process| process.task_report(self.monitor.as_ref()));
        request.hide_host(&mut report.instance, Some(&mut report.unavailable));
        report.keep_tasks(self.top);
        let shown = report.tasks.len();
        request.fitting(shown, material.max_bytes, |body, top| {
            let mut report = report.clone();
            report.keep_tasks(top);
            let note = truncation(top, shown, material.max_bytes);
            request.in_form(
                body,
                |site| html::tasks(site, &report, note.as_deref()),
                |body| render::write_line(body, &report),
                |body| write!(body, "{report}"),
            )
        })
    }
}
