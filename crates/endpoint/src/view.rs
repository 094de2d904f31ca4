//! One way to look at a report: which page, which rows, which format.

use std::collections::BTreeMap;

use bytes::Bytes;
use memory_debug_core::{MemoryReport, Page, TypesView, Unavailable, render};
use serde::Deserialize as _;
use serde::de::value::{Error as ValueError, MapDeserializer};

use crate::authenticate::Authorized;
use crate::format::Format;
use crate::problem::Problem;

/// What a request asked to see. Equal views share one rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) page: Page,
    pub(crate) types: TypesView,
    pub(crate) format: Format,
    /// Collect even where there may not be enough memory for it.
    pub(crate) force: bool,
    /// Whether the reader may know the name of the host.
    pub(crate) shows_host: bool,
}

impl View {
    /// Writes the report in at most `max_bytes`. A longer table is cut to half its rows until it fits, and the page
    /// then says so: in text by a last line, in JSON by the member `truncated`.
    pub(crate) fn render(
        &self,
        report: &MemoryReport,
        max_bytes: usize,
        _proof: &Authorized,
    ) -> Result<Bytes, Problem> {
        let nameless;
        let report = if self.shows_host {
            report
        } else {
            nameless = without_host(report.clone());
            &nameless
        };
        let body = self.write(report, &self.types);
        if body.len() <= max_bytes {
            return Ok(body.into());
        }
        let mut types = self.types.clone();
        while types.top > 0 {
            types.top /= 2;
            let body = self.mark_truncated(self.write(report, &types), types.top, max_bytes);
            if body.len() <= max_bytes {
                return Ok(body.into());
            }
        }
        Err(Problem::ReplyTooLarge)
    }

    fn write(&self, report: &MemoryReport, types: &TypesView) -> String {
        match self.format {
            Format::Text => render::text(report, self.page, types),
            Format::Json => render::json(report, self.page, types),
        }
    }

    fn mark_truncated(&self, mut body: String, rows: usize, max_bytes: usize) -> String {
        match self.format {
            Format::Text => {
                body.push_str(&format!("\ntruncated: {rows} rows are all that fit into {max_bytes} bytes\n"));
            }
            // A report is one indented JSON object that is never empty, so a member fits in at its front.
            Format::Json => body = body.replacen('{', "{\n  \"truncated\": true,", 1),
        }
        body
    }
}

/// The report of a host that is not to be named, with the reason in the name's place.
fn without_host(mut report: MemoryReport) -> MemoryReport {
    report.instance.host = None;
    let reasons = report.unavailable.iter().chain([("instance.host", "not shown: `show_host(false)`")]);
    // Reasons are a map to whoever reads and writes reports, and this is how to write one.
    let reasons: BTreeMap<_, _> = reasons.collect();
    if let Ok(unavailable) =
        Unavailable::deserialize(MapDeserializer::<_, ValueError>::new(reasons.into_iter()))
    {
        report.unavailable = unavailable;
    }
    report
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::authenticate::authenticate;
    use crate::credentials::Credentials;

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

    fn view(format: Format, top: usize) -> View {
        View {
            page: Page::Types,
            types: TypesView { top, ..TypesView::default() },
            format,
            force: false,
            shows_host: true,
        }
    }

    #[test]
    fn a_page_that_fits_is_what_core_renders() {
        let (report, view) = (report(5), view(Format::Json, 50));
        let body = view.render(&report, 1 << 20, &proof()).unwrap();
        assert_eq!(body, render::json(&report, Page::Types, &view.types));
    }

    #[test]
    fn s62_the_host_is_named_only_where_it_may_be() {
        let mut report = report(1);
        report.instance.host = Some("node-7".to_owned());
        for (format, name) in [(Format::Json, "\"node-7\""), (Format::Text, "host node-7")] {
            let shown = |shows_host| {
                let view = View { page: Page::Overview, shows_host, ..view(format, 50) };
                String::from_utf8(view.render(&report, 1 << 20, &proof()).unwrap().into()).unwrap()
            };
            assert!(shown(true).contains(name), "{}", shown(true));
            assert!(!shown(false).contains("node-7"), "{}", shown(false));
        }
        let view = View { shows_host: false, ..view(Format::Json, 50) };
        let json: Value = serde_json::from_slice(&view.render(&report, 1 << 20, &proof()).unwrap()).unwrap();
        assert_eq!(json["instance"]["host"], Value::Null);
        assert_eq!(json["unavailable"]["instance.host"], "not shown: `show_host(false)`");
    }

    #[test]
    fn s45_a_page_of_exactly_the_limit_is_whole_and_one_byte_less_cuts_it() {
        for format in Format::ALL {
            let (report, view) = (report(40), view(format, 50));
            let whole = view.render(&report, usize::MAX, &proof()).unwrap();
            assert_eq!(view.render(&report, whole.len(), &proof()).unwrap(), whole);
            let cut = view.render(&report, whole.len() - 1, &proof()).unwrap();
            assert!(cut.len() < whole.len());
            assert!(String::from_utf8(cut.into()).unwrap().contains("truncated"));
        }
    }

    #[test]
    fn s45_cut_json_is_valid_and_counts_what_is_missing() {
        let view = view(Format::Json, 1000);
        let body = view.render(&report(1000), 20_000, &proof()).unwrap();
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
        for format in Format::ALL {
            assert_eq!(view(format, 50).render(&report(3), 10, &proof()), Err(Problem::ReplyTooLarge));
        }
    }
}
