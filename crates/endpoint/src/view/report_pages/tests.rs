use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use memory_debug_core::{Collector, MemoryReport, render};
use serde_json::{Value, json};

use super::*;
use crate::auth::Credentials;
use crate::auth::authenticate;

fn proof() -> Authorized {
    let credentials = Credentials::allow_weak("ops", "x").unwrap();
    authenticate(&credentials, [&b"Basic b3BzOng="[..]]).unwrap()
}

fn report(rows: usize) -> MemoryReport {
    let row = |index: usize| {
        json!({"type": format!("Type{index}"), "full_type": "x".repeat(100), "objects": 1, "bytes": 1000 - index,
               "objects_stderr": 0.0, "bytes_stderr": 0.0, "source": "sampled"})
    };
    serde_json::from_value(json!({
        "schema": "memory-debug/v1",
        "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1}, "collected_at": "",
        "duration_us": 0, "unavailable": {}, "types": {"rows": (0..rows).map(row).collect::<Vec<_>>()},
    }))
    .unwrap()
}

fn view(format: Format, page: Page, top: usize) -> RenderRequest {
    RenderRequest::of_report(page, TypesView { top, ..TypesView::default() }, format)
}

fn written(view: &RenderRequest, report: &MemoryReport, max_bytes: usize) -> Result<Bytes, Problem> {
    let material = Material {
        collected: Some(&report.clone().into()),
        collect: &Collector::new(),
        snapshots: &Snapshots::default(),
        max_bytes,
        deadline: Duration::MAX,
        neighbours: None,
        own: &|_, _| panic!("the page is written from the report"),
        fleets: &RefCell::default(),
        scans: &RefCell::default(),
    };
    view.page.answer(view, material, &proof()).map(|reply| reply.body)
}

#[test]
fn a_page_that_fits_is_the_page_that_core_renders() {
    let (report, view) = (report(5), view(Format::Json, Page::Types, 50));
    let body = written(&view, &report, 1 << 20).unwrap();
    assert_eq!(body, render::json(&report, Page::Types, &TypesView::default()));
}

#[test]
fn s62_the_host_is_named_only_where_that_is_allowed() {
    let mut report = report(1);
    report.instance.host = Some("node-7".to_owned());
    for (format, name) in [(Format::Json, "\"node-7\""), (Format::Text, "host node-7")] {
        let shown = |shows_host| {
            let view = RenderRequest { shows_host, ..view(format, Page::Overview, 50) };
            String::from_utf8(written(&view, &report, 1 << 20).unwrap().into()).unwrap()
        };
        assert!(shown(true).contains(name), "{}", shown(true));
        assert!(!shown(false).contains("node-7"), "{}", shown(false));
    }
    let view = RenderRequest { shows_host: false, ..view(Format::Json, Page::Types, 50) };
    let json: Value = serde_json::from_slice(&written(&view, &report, 1 << 20).unwrap()).unwrap();
    assert_eq!(json["instance"]["host"], Value::Null);
    assert_eq!(
        json["unavailable"]["instance.host"],
        "not shown: the service hides it (`Endpoint::hide_host`)"
    );
}

#[test]
fn s45_a_page_as_long_as_the_limit_is_whole_and_one_byte_more_is_truncated() {
    for &format in Format::PAGE {
        let (report, view) = (report(40), view(format, Page::Types, 50));
        let whole = written(&view, &report, usize::MAX).unwrap();
        assert_eq!(written(&view, &report, whole.len()).unwrap(), whole);
        let cut = written(&view, &report, whole.len() - 1).unwrap();
        assert!(cut.len() < whole.len());
        assert!(String::from_utf8(cut.into()).unwrap().contains("truncated"));
    }
}

#[test]
fn s45_truncated_json_is_valid_and_counts_the_omitted_rows() {
    let view = view(Format::Json, Page::Types, 1000);
    let body = written(&view, &report(1000), 20_000).unwrap();
    assert!(body.len() <= 20_000);
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(json["truncated"], true);
    assert_eq!(json["schema"], "memory-debug/v1");
    let rows = json["types"]["rows"].as_array().unwrap().len();
    assert!(rows > 0);
    assert_eq!(json["types"]["omitted_rows"], 1000 - rows);
}

#[test]
fn s45_a_page_that_does_not_fit_without_rows_is_an_error() {
    for &format in Format::PAGE {
        assert_eq!(written(&view(format, Page::Types, 50), &report(3), 10), Err(Problem::ReplyTooLarge));
    }
}
