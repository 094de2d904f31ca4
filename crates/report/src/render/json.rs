//! Renders version 1 of the wire format.

use std::io;

use memory_debug_formats::{to_json, write_line};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::ceiling::Ceiling;
use crate::conclusion::Conclusion;
use crate::detail::AllocatorDetail;
use crate::diagnosis::Diagnosis;
use crate::doctor::diagnose;
use crate::instance::InstanceInfo;
use crate::monitor::EarlierProcess;
use crate::reconciliation::Reconciliation;
use crate::report::{AllocatorStats, CgroupMemory, MachineMemory, MemoryReport, ProcessMemory, TypeSummary};
use crate::root_summary::RootSummary;
use crate::schema::SCHEMA;
use crate::view::{Page, TypesView};

/// The report as indented JSON, with a newline at the end.
///
/// Sections that do not belong to the page are absent; sections that could not be measured are `null`.
pub fn json(report: &MemoryReport, page: Page, view: &TypesView) -> String {
    to_json(&document_of(report, page, view)).expect("JSON can express every report")
}

/// Writes the text that [`json`] returns, without holding it in memory.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_json(
    out: impl io::Write,
    report: &MemoryReport,
    page: Page,
    view: &TypesView,
) -> io::Result<()> {
    write_line(out, &document_of(report, page, view))
}

/// Writes a document of the wire format with one member, `name`; indented, with a newline at the end.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_document(out: impl io::Write, name: &str, value: &impl Serialize) -> io::Result<()> {
    write_line(out, &Named { name, value })
}

/// A document with a schema and one member.
struct Named<'a, T> {
    name: &'a str,
    value: &'a T,
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(Some(2))?;
        document.serialize_entry("schema", SCHEMA)?;
        document.serialize_entry(self.name, self.value)?;
        document.end()
    }
}

fn document_of<'a>(report: &'a MemoryReport, page: Page, view: &TypesView) -> Document<'a> {
    let stats = matches!(page, Page::Overview | Page::Stats);
    let types = matches!(page, Page::Overview | Page::Types);
    let doctor = matches!(page, Page::Overview | Page::Doctor).then(|| diagnose(report));
    let overview = doctor.as_ref().filter(|_| page == Page::Overview);
    Document {
        schema: &report.schema,
        instance: &report.instance,
        collected_at: &report.collected_at,
        duration_us: report.duration_us,
        conclusion: overview.map(|diagnosis| Conclusion::of(report, diagnosis)),
        doctor,
        earlier_processes: if page == Page::Overview { report.earlier_processes() } else { &[] },
        process: stats.then_some(report.process.as_ref()),
        cgroup: stats.then_some(report.cgroup.as_ref()),
        machine: stats.then_some(report.machine.as_ref()),
        ceiling: stats.then(|| report.ceiling().ok()),
        allocator: stats.then_some(report.allocator.as_ref()),
        detail: if stats { report.detail.as_ref() } else { None },
        types: types.then(|| view.table(report)),
        reconciliation: types.then_some(report.reconciliation.as_ref()),
        roots: if types { view.roots(report) } else { None },
        unavailable: Reasons(report, page),
    }
}

/// The report in the order of the wire format. The outer `Option` says whether the page has the section.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'a str,
    instance: &'a InstanceInfo,
    collected_at: &'a str,
    duration_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<Conclusion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<Diagnosis>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    earlier_processes: &'a [EarlierProcess],
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Option<&'a ProcessMemory>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup: Option<Option<&'a CgroupMemory>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<Option<&'a MachineMemory>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceiling: Option<Option<Ceiling>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocator: Option<Option<&'a AllocatorStats>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a AllocatorDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Option<TypeSummary>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconciliation: Option<Option<&'a Reconciliation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roots: Option<RootSummary>,
    unavailable: Reasons<'a>,
}

/// The reasons for values that this page shows.
struct Reasons<'a>(&'a MemoryReport, Page);

impl Serialize for Reasons<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(report, page) = self;
        serializer.collect_map(report.unavailable.iter().filter(|(path, _)| page.shows(path)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sample;

    fn value(report: &MemoryReport, page: Page) -> Value {
        serde_json::from_str(&json(report, page, &TypesView::default())).unwrap()
    }

    #[test]
    fn a_page_has_only_its_own_sections() {
        let mut report = sample::report();
        report.unavailable.note("types.x", "reason");
        let keys =
            |page| value(&report, page).as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        let always = "collected_at duration_us instance";
        assert_eq!(
            keys(Page::Overview),
            "allocator ceiling cgroup collected_at conclusion doctor duration_us instance machine process reconciliation \
             schema types unavailable"
        );
        assert_eq!(
            keys(Page::Stats),
            format!("allocator ceiling cgroup {always} machine process schema unavailable")
        );
        assert_eq!(keys(Page::Types), format!("{always} reconciliation schema types unavailable"));
        assert_eq!(keys(Page::Doctor), "collected_at doctor duration_us instance schema unavailable");
        let reasons = |page| {
            value(&report, page)["unavailable"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(reasons(Page::Stats), ["process.uss_bytes"]);
        assert_eq!(reasons(Page::Types), ["types.x"]);
        assert_eq!(reasons(Page::Doctor), [""; 0]);
    }

    #[test]
    fn the_stats_page_has_the_detail_if_requested() {
        let mut report = sample::report();
        report.detail = Some(AllocatorDetail { arenas: Some(Vec::new()), ..AllocatorDetail::default() });
        report.unavailable.note("detail.size_classes", "reason");
        let stats = value(&report, Page::Stats);
        assert_eq!(stats["detail"], serde_json::json!({"arenas": [], "duration_us": 0}));
        assert_eq!(stats["unavailable"]["detail.size_classes"], "reason");
        let types = value(&report, Page::Types);
        assert_eq!((types.get("detail"), types["unavailable"].get("detail.size_classes")), (None, None));
    }

    #[test]
    fn the_doctor_lists_findings_and_checked_and_unchecked_rules() {
        let mut report = sample::report();
        report.cgroup.as_mut().unwrap().oom_kills = Some(2);
        for page in [Page::Overview, Page::Doctor] {
            let doctor = &value(&report, page)["doctor"];
            let verdict = &doctor["verdicts"][0];
            assert_eq!((&verdict["id"], &verdict["severity"]), (&"oom-kills".into(), &"critical".into()));
            assert!(verdict["evidence"].is_string() && verdict["advice"].is_string());
            assert!(doctor["checked"].as_array().unwrap().contains(&"oom-kills".into()), "{doctor}");
            let not_checked = doctor["not_checked"].as_array().unwrap();
            let arenas = not_checked.iter().find(|rule| rule["id"] == "many-arenas").unwrap();
            assert_eq!(arenas["reason"], "allocator.arenas was not collected");
        }
    }

    #[test]
    fn a_missing_value_is_null_and_has_a_reason() {
        let mut report = sample::report();
        (report.allocator, report.types) = (None, None);
        report.unavailable.note("allocator", "the global allocator is not jemalloc");
        let value = value(&report, Page::Overview);
        assert_eq!((&value["allocator"], &value["types"]), (&Value::Null, &Value::Null));
        assert_eq!(value["process"]["uss_bytes"], Value::Null);
        assert_eq!(value["unavailable"]["process.uss_bytes"], "smaps_rollup: permission denied");
        assert_eq!(value["unavailable"]["allocator"], "the global allocator is not jemalloc");
    }

    #[test]
    fn the_ceiling_says_what_sets_it_and_is_null_if_unknown() {
        let mut report = sample::report();
        let expected = serde_json::json!({
            "limit_bytes": 1_342_177_280, "used_bytes": 1_048_576_000, "room_bytes": 293_601_280,
            "set_by": "group-above", "path": "/pod", "others_bytes": 314_572_800,
        });
        assert_eq!(value(&report, Page::Stats)["ceiling"], expected);
        (report.cgroup, report.machine) = (None, None);
        assert_eq!(value(&report, Page::Stats)["ceiling"], Value::Null);
    }

    #[test]
    fn a_report_read_back_is_written_identically() {
        let text = json(&sample::report(), Page::Overview, &TypesView::default());
        let report: MemoryReport = serde_json::from_str(&text).unwrap();
        assert_eq!(report.types, sample::report().types);
        assert_eq!(json(&report, Page::Overview, &TypesView::default()), text);
    }

    #[test]
    fn the_json_is_indented_in_the_order_of_the_wire_format() {
        let text = json(&sample::report(), Page::Types, &TypesView { top: 1, ..TypesView::default() });
        assert!(text.starts_with(
            "{\n  \"schema\": \"memory-debug/v1\",\n  \"instance\": {\n    \"id\": \"6f1c9a2e-"
        ));
        assert!(text.ends_with("}\n"));
        assert!(text.contains("\"type\": \"HashMap<String, Session>\""));
        assert!(text.contains("\"source\": \"sampled\""));
        assert!(text.contains("\"omitted_rows\": 3"));
    }
}
