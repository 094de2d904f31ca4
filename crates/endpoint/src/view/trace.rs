//! `/trace`: where requests spend time and bytes, and starts and stops of the tracer.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{AlreadyCounting, TraceEvent, TraceHandle, TraceKind, TraceReport, render};
use memory_debug_formats::TreeFormat;

use super::fit::truncation;
use super::page_request::{Material, PageRequest, RenderRequest};
use super::tool_file;
use crate::audit;
use crate::auth::Authorized;
use crate::escape::Escaped;
use crate::html;
use crate::reply::{Format, Problem, Reply};
use crate::request::{Asking, Head, Query, TraceChange};

/// Maximum length of a login's name in a message.
const MAX_USER_CHARS: usize = 64;

#[derive(Debug, Default, PartialEq)]
struct Trace {
    tracer: Option<TraceHandle>,
    /// Maximum number of nodes, and of routes.
    top: usize,
    /// The number that is shown in formats with one number, and that decides which nodes are shown in tables.
    event: Option<TraceEvent>,
    /// Whether the login may see names.
    knows_names: bool,
}

/// A start or a stop of the tracer. Equal changes by two users are made separately, because the audit log and the
/// tracer record each user.
#[derive(Debug, PartialEq)]
struct ChangeTrace {
    tracer: Option<TraceHandle>,
    change: TraceChange,
    user: String,
}

pub(crate) fn trace(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let event = asking.query.one_of("events", &TraceEvent::ALL.map(|event| (event.as_str(), event)));
    let is_busy_only = asking.format == Some(Format::Trace(TreeFormat::CpuProfile));
    if is_busy_only && event.is_some_and(|event| event != TraceEvent::Busy) {
        asking
            .query
            .refuse("events", "must be `busy` with the format `cpuprofile`, which shows only busy time");
    }
    let (tracer, top) = (asking.tracer.cloned(), asking.query.top());
    Ok(Arc::new(Trace { tracer, top, event, knows_names: asking.knows_types }))
}

/// Reads a start or a stop from JSON.
pub(crate) fn change_trace(
    body: &[u8],
    head: &Head,
    proof: &Authorized,
) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(ChangeTrace::page(TraceChange::read(body)?, head, proof))
}

/// Reads a start or a stop from a form.
pub(crate) fn change_trace_by_form(
    form: &mut Query,
    head: &Head,
    proof: &Authorized,
) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(ChangeTrace::page(TraceChange::read_form(form)?, head, proof))
}

impl PageRequest for Trace {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let mut report = material.ask(|process| process.trace_report(self.tracer.as_ref()));
        request.hide_host(&mut report.instance, Some(&mut report.unavailable));
        if !self.knows_names {
            hide_names(&mut report);
        }
        if let Format::Trace(format) = request.format {
            return self.write_for_tool(request, format, &report, material.max_bytes);
        }
        let event = self.event.unwrap_or_default();
        let shown = report.trace.as_ref().map_or(0, |trace| trace.nodes.len().max(trace.routes.len()));
        let shown = shown.min(self.top);
        request.fitting(shown, material.max_bytes, |body, top| {
            let note = truncation(top, shown, material.max_bytes);
            let shortened = || report.shortened(top, event);
            request.in_form(
                body,
                |site| html::trace(site, &report, top, event, note.as_deref()),
                |body| render::write_line(body, &shortened()),
                |body| write!(body, "{}", shortened()),
            )
        })
    }
}

impl Trace {
    /// Writes the trace in the format of another tool.
    fn write_for_tool(
        &self,
        request: &RenderRequest,
        format: TreeFormat,
        report: &TraceReport,
        max_bytes: usize,
    ) -> Result<Reply, Problem> {
        if report.trace.is_none() {
            return Err(no_tracer(report));
        }
        let event = match format {
            TreeFormat::Collapsed => Some(self.event.unwrap_or_default()),
            TreeFormat::Speedscope => self.event,
            // These have all numbers, or always the same one.
            _ => None,
        };
        let mut tree = report.call_tree();
        if let Some(event) = event {
            tree = tree.with_events(&[event.as_str()]).ok_or_else(|| no_bytes(report))?;
        }
        tool_file::write(request, format, || tree, max_bytes)
    }
}

impl ChangeTrace {
    fn page(change: TraceChange, head: &Head, proof: &Authorized) -> Arc<dyn PageRequest> {
        let (tracer, user) = (head.tracer.clone(), proof.user().to_owned());
        Arc::new(Self { tracer, change, user })
    }

    /// Starts or stops the tracer.
    fn make(&self, tracer: &TraceHandle, material: Material<'_>) -> Result<(), Problem> {
        match self.change {
            TraceChange::Start(time) => {
                let started = tracer.start(time, &self.user);
                let report = || material.ask(|process| process.trace_report(Some(tracer)));
                let started = started.map_err(|AlreadyCounting { .. }| already_counting(&report()));
                audit::trace_started(&self.user, time, started.as_ref().map_err(Problem::status));
                started
            }
            TraceChange::Stop => {
                if tracer.stop() {
                    let report = material.ask(|process| process.trace_report(Some(tracer)));
                    let counted_ns = report.trace.map_or(0, |trace| trace.counted_ns);
                    audit::trace_stopped(&self.user, counted_ns / 1_000_000_000);
                }
                Ok(())
            }
        }
    }
}

impl PageRequest for ChangeTrace {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let Some(tracer) = &self.tracer else {
            return Err(no_tracer(&material.ask(|process| process.trace_report(None))));
        };
        self.make(tracer, material)?;
        // The reply has the state and no rows.
        let page = Trace { tracer: Some(tracer.clone()), knows_names: true, ..Trace::default() };
        request.see_other("/trace").map_or_else(|| page.answer(request, material, proof), Ok)
    }
}

/// Leaves out names and places, for a login that may see only numbers.
fn hide_names(report: &mut TraceReport) {
    let Some(trace) = &mut report.trace else { return };
    for node in &mut trace.nodes {
        name(node.kind).clone_into(&mut node.name);
        (node.file, node.line) = (None, None);
    }
    for route in &mut trace.routes {
        name(TraceKind::Route).clone_into(&mut route.route);
    }
    let reason = "not shown: this login may not see names (`Endpoint::role_for_types`)";
    report.unavailable.note("trace.names", reason);
}

/// What a node without a name is called.
fn name(kind: TraceKind) -> &'static str {
    match kind {
        TraceKind::Route => "route",
        TraceKind::Future => "future",
        TraceKind::Other => "(other)",
        _ => "span",
    }
}

fn no_tracer(report: &TraceReport) -> Problem {
    let reason = report.unavailable.get("trace").unwrap_or_default();
    Problem::NotBuiltIn(format!("there is no tracer: {reason}").into())
}

fn no_bytes(report: &TraceReport) -> Problem {
    let reason = report.unavailable.get("trace.nodes.allocated").unwrap_or("the reason is unknown");
    Problem::NotBuiltIn(format!("the trace has no bytes: {reason}").into())
}

fn already_counting(report: &TraceReport) -> Problem {
    let trace = report.trace.as_ref();
    let until = trace.and_then(|trace| trace.ends_at.as_deref());
    let user = trace.and_then(|trace| trace.started_by.as_deref());
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    let user = Escaped::new(user.unwrap_or("the program"), MAX_USER_CHARS);
    Problem::AlreadyCounting(format!(
        "the tracer already counts{until}, started by {user}; wait, or stop it first"
    ))
}

#[cfg(test)]
mod tests {
    use memory_debug_core::InstanceInfo;

    use super::*;

    #[test]
    fn s68_hidden_names_leave_numbers() {
        let kinds = ["span", "route", "future", "other"];
        let node = |kind| serde_json::json!({"kind": kind, "name": "secret", "file": "src/secret.rs", "line": 77_777, "calls": 9});
        let trace = serde_json::json!({
            "nodes": kinds.map(node), "routes": [{"route": "GET /secret", "requests": 4}],
        });
        let instance = InstanceInfo::new(memory_debug_core::instance_id(), 1);
        let mut report = TraceReport::new(instance, "", serde_json::from_value(trace).unwrap());
        hide_names(&mut report);
        let json = serde_json::to_string(&report).unwrap();
        assert!(!json.contains("secret") && !json.contains("77777"), "{json}");
        let trace = report.trace.unwrap();
        let names: Vec<_> = trace.nodes.iter().map(|node| (&*node.name, node.calls)).collect();
        assert_eq!(names, [("span", 9), ("route", 9), ("future", 9), ("(other)", 9)]);
        assert_eq!((&*trace.routes[0].route, trace.routes[0].requests), ("route", 4));
    }
}
