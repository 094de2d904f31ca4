//! The report as JSON for programs: version 1 of the wire format.

use memory_debug_axum::RowSource;
use memory_debug_tests::Request;
use serde_json::Value;

use crate::shop;

/// The members of version 1 that this process can measure, by section and type of value.
const SCHEMA: &[(&str, &str, &str)] = &[
    ("", "text", "schema collected_at"),
    ("", "number", "duration_us"),
    ("", "object", "instance process allocator types unavailable"),
    ("/instance", "text", "id service version host started_at"),
    ("/instance", "number", "pid uptime_seconds"),
    (
        "/process",
        "number",
        "resident_bytes peak_resident_bytes anonymous_bytes file_bytes shared_bytes swap_bytes",
    ),
    ("/process", "number", "threads open_fds"),
    ("/allocator", "text", "name version"),
    ("/allocator", "number", "allocated_bytes active_bytes metadata_bytes resident_bytes mapped_bytes"),
    ("/allocator", "number", "retained_bytes dirty_bytes muzzy_bytes arenas"),
    ("/allocator", "number", "thread_cache_bytes internal_bytes sampled_pages_bytes"),
    ("/allocator/profiling", "switch", "compiled enabled active"),
    ("/allocator/profiling", "number", "sample_bytes"),
    ("/allocator/profiling", "text", "active_since"),
    ("/allocator/profiling/unwinder", "text", "name"),
    ("/allocator/profiling/unwinder", "number", "walked fell_back"),
    ("/types", "text", "group symbols"),
    ("/types", "number", "total_bytes total_bytes_stderr unattributed_bytes omitted_rows"),
    ("/types", "array", "rows"),
    ("/reconciliation", "number", "sampled_bytes sampled_stderr_bytes allocated_bytes difference_bytes"),
    (
        "/reconciliation",
        "number",
        "resident_bytes fragmentation_bytes dirty_bytes metadata_bytes muzzy_bytes",
    ),
    (
        "/reconciliation",
        "number",
        "outside_bytes outside_anonymous_bytes outside_file_bytes outside_shared_bytes",
    ),
    ("/reconciliation", "number", "swapped_bytes never_touched_bytes"),
    ("/reconciliation", "number", "in_use_bytes thread_cache_bytes internal_bytes sampling_bytes"),
    ("/reconciliation", "switch", "within_two_stderr"),
    ("/reconciliation", "array", "explanations"),
    ("/types/rows/0", "text", "type full_type source"),
    ("/types/rows/0", "number", "objects bytes objects_stderr bytes_stderr"),
];

/// Members that a kernel or a linker may not provide. They are then `null`, never 0, and have a reason.
const PERHAPS: &[&str] = &[
    "instance.build_id",
    "process.pss_bytes",
    "process.uss_bytes",
    "process.lazy_free_bytes",
    "cgroup",
    "machine",
    "ceiling",
];

#[tokio::test]
async fn json_by_parameter_and_by_header_is_the_same() {
    for page in ["", "/stats", "/types"] {
        let by_parameter = shop::get(&format!("/debug/memory{page}?format=json")).await;
        let accept =
            Request::get(format!("/debug/memory{page}")).authorized().header("accept", "application/json");
        let by_header = shop::send(accept).await;
        assert_eq!(by_header.header("content-type").as_deref(), Some("application/json"));
        assert_eq!(by_header.header("content-type"), by_parameter.header("content-type"));
        assert_eq!(members(&by_header.json()), members(&by_parameter.json()));
        assert_eq!(by_header.json()["instance"]["id"], by_parameter.json()["instance"]["id"]);
    }
}

fn members(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

#[tokio::test]
async fn json_has_every_member_of_version_1() {
    let json = shop::get("/debug/memory?format=json").await.json();
    for (section, kind, members) in SCHEMA {
        let section = json.pointer(section).unwrap_or_else(|| panic!("{section} is missing in {json}"));
        for name in members.split(' ') {
            let value = &section[name];
            let fits = match *kind {
                "number" => value.is_number(),
                "text" => value.is_string(),
                "switch" => value.is_boolean(),
                "object" => value.is_object(),
                _ => value.is_array(),
            };
            assert!(fits, "{name} is not a {kind} in {section}");
        }
    }
    assert_eq!(json["schema"], "memory-debug/v1");
    assert_eq!(json["instance"]["pid"], std::process::id());
    assert_eq!(json["allocator"]["name"], "jemalloc");
    assert_eq!(json["allocator"]["profiling"]["sample_bytes"], 4096);
    for path in PERHAPS {
        let value = json
            .pointer(&format!("/{}", path.replace('.', "/")))
            .unwrap_or_else(|| panic!("{path} is missing"));
        assert!(!value.is_null() || json["unavailable"][path].is_string(), "{path} has no reason: {json}");
    }
}

/// The paths of all nulls. Skips `binding`, which is a copy of a level and has no reasons of its own. Skips
/// `ceiling.path`, which is null without a reason if there is no cgroup.
fn add_nulls(path: &str, value: &Value, nulls: &mut Vec<String>) {
    let is_elsewhere = path.starts_with("cgroup.binding.") || path == "ceiling.path";
    match value {
        Value::Null if !is_elsewhere => nulls.push(path.to_owned()),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| add_nulls(&format!("{path}.{name}"), value, nulls));
        }
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            elements.for_each(|(index, value)| add_nulls(&format!("{path}.{index}"), value, nulls));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_null_has_a_reason_and_every_reason_a_null() {
    let json = shop::get("/debug/memory?format=json").await.json();
    let reasons = json["unavailable"].as_object().unwrap();
    let mut nulls = Vec::new();
    for section in ["instance", "process", "cgroup", "machine", "ceiling", "allocator", "reconciliation"] {
        add_nulls(section, &json[section], &mut nulls);
    }
    for null in &nulls {
        assert!(reasons.contains_key(null), "{null} has no reason: {json}");
    }
    for (path, reason) in reasons {
        let value = json.pointer(&format!("/{}", path.replace('.', "/")));
        assert!(value.is_none_or(Value::is_null), "{path} is there, although {reason}");
        assert!(!reason.as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn json_sums_and_sorts() {
    let types = shop::types().await.types.unwrap();
    assert!(types.rows.is_sorted_by(|a, b| a.bytes >= b.bytes));
    assert_eq!(types.omitted_rows, 0);
    let sampled = || types.rows.iter().filter(|row| row.source != RowSource::Exact);
    let total: u64 = sampled().map(|row| row.bytes).sum();
    // Each row is rounded to whole bytes.
    let rounding = types.rows.len() as u64;
    assert!(total.abs_diff(types.total_bytes.unwrap()) <= rounding, "{total} {:?}", types.total_bytes);
    let unattributed =
        sampled().filter(|row| row.source == RowSource::Unattributed).map(|row| row.bytes).sum::<u64>();
    assert!(unattributed.abs_diff(types.unattributed_bytes.unwrap()) <= rounding);
}
