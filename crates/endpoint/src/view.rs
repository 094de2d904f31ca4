//! What a request asked for, and how it is to be written.

mod allocator;
mod bounded;
mod fleet;
mod growth;
mod growth_start;
mod metrics;
mod profile;
mod snapshots;

use std::cell::RefCell;
use std::fmt::Write;
use std::time::Duration;

use memory_debug_core::{
    Collected, InstanceInfo, MemoryReport, Page, Selection, SnapshotDiff, Snapshots, TypesView, Unavailable,
    render,
};

use self::bounded::Bounded;
pub(crate) use self::fleet::Asked as AskedFleet;
pub(crate) use self::growth_start::Mark;
use crate::auth::Authorized;
use crate::collect::Collect;
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::wanted::Wanted;

/// What a request asked for. Equal views share one rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) wanted: Wanted,
    pub(crate) format: Format,
    /// Collect even where there may not be enough memory for it.
    pub(crate) force: bool,
    /// Whether the reader may know the name of the host.
    pub(crate) shows_host: bool,
}

/// What views are written from.
#[derive(Clone, Copy)]
pub(crate) struct Material<'a> {
    /// `None` if nothing was collected, because none of the views needs it.
    pub(crate) collected: Option<&'a Collected>,
    /// Where the report came from.
    pub(crate) collect: &'a dyn Collect,
    pub(crate) snapshots: &'a Snapshots,
    /// Most bytes of a body.
    pub(crate) max_bytes: usize,
    /// How long those who wait for the views do.
    pub(crate) deadline: Duration,
    /// The fleets that were asked for the views before.
    pub(crate) fleets: &'a RefCell<Vec<AskedFleet>>,
}

impl Material<'_> {
    fn collected(&self) -> Result<&Collected, Problem> {
        // Whoever needs a report is of a kind that collects one.
        self.collected.ok_or(Problem::CollectorPanicked)
    }

    fn report(&self) -> Result<&MemoryReport, Problem> {
        self.collected().map(|collected| &collected.report)
    }
}

impl View {
    /// Does what was asked for, and writes the answer. Takes a while, and so is for the collecting thread.
    pub(crate) fn answer(&self, material: Material<'_>, proof: &Authorized) -> Result<Reply, Problem> {
        match &self.wanted {
            Wanted::Page { page, types, selection } => self.page(*page, types, selection, material, proof),
            Wanted::Heap(heap) => self.heap(*heap, material),
            Wanted::Mark(mark) => self.mark(mark, material),
            Wanted::Growth { heap, since } => self.growth(*heap, since, material),
            Wanted::Flamegraph { leaf, count, base } => self.flamegraph(*leaf, *count, *base, material),
            Wanted::ListSnapshots => self.list_snapshots(material),
            Wanted::TakeSnapshot { label } => self.take_snapshot(label.clone(), material),
            Wanted::ShowSnapshot { id } => self.show_snapshot(*id, material),
            Wanted::DropSnapshot { id } => Ok(material.snapshots.remove(*id).map(|()| Reply::nothing())?),
            Wanted::Diff { base, target, growth, types, selection } => {
                self.diff(*base, *target, *growth, types, selection, material)
            }
            Wanted::Leaks => self.leaks(material),
            Wanted::Metrics { series, names_types } => self.metrics(*series, *names_types, material),
            Wanted::Detail { parts } => self.detail(*parts, material, proof),
            Wanted::Profiling => self.profiling(material),
            Wanted::Purge => self.purge(material),
            Wanted::SetProfiling(change) => self.set_profiling(change, material),
            Wanted::Fleet(fleet) => self.fleet(fleet, material, proof),
        }
    }

    /// Writes the report in at most `max_bytes`. A longer table is cut to half its rows until it fits, and the page
    /// then says so: in text by a last line, in JSON by the member `truncated`.
    fn page(
        &self,
        page: Page,
        types: &TypesView,
        selection: &Selection,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let collected = material.collected()?;
        let mut report = collected.regroup(selection);
        if page == Page::Doctor
            && let Some(growth) = growth(collected, material.snapshots)
        {
            report.to_mut().note_growth(growth);
        }
        if !self.shows_host {
            let report = report.to_mut();
            self.hide_host(&mut report.instance, Some(&mut report.unavailable));
        }
        self.fitting(types.top, material.max_bytes, |body, top| {
            let types = TypesView { top, ..types.clone() };
            match self.format {
                Format::Json => written(render::write_json(body, &report, page, &types)),
                _ => written(render::write_text(body, &report, page, &types)),
            }
        })
    }

    /// What `write` writes with `rows`, or with half of them until it fits. A body that was cut says so.
    fn fitting(
        &self,
        rows: usize,
        max_bytes: usize,
        write: impl Fn(&mut Bounded, usize) -> Written,
    ) -> Result<Reply, Problem> {
        self.until_it_fits(rows, half, max_bytes, |body, shown| {
            write(body, shown)?;
            if shown < rows {
                self.mark_truncated(body, shown, max_bytes);
            }
            Ok(())
        })
    }

    /// What `write` writes, which cannot be cut.
    fn whole(&self, max_bytes: usize, write: impl Fn(&mut Bounded) -> Written) -> Result<Reply, Problem> {
        self.until_it_fits((), |()| None, max_bytes, |body, ()| write(body))
    }

    /// What `write` writes, with less of it until it fits: first with all of `measure`, then with what `less` makes of
    /// that. One body exists at a time, and none is longer than it may be.
    fn until_it_fits<M: Copy>(
        &self,
        mut measure: M,
        less: impl Fn(M) -> Option<M>,
        max_bytes: usize,
        write: impl Fn(&mut Bounded, M) -> Written,
    ) -> Result<Reply, Problem> {
        let mut body = Bounded::new(max_bytes);
        loop {
            let attempt = write(&mut body, measure);
            if !body.is_full() {
                // Writing into memory has no other reason to fail.
                attempt.map_err(|NotWritten| Problem::CollectorPanicked)?;
                return Ok(Reply::page(self.format, body.into_bytes()));
            }
            measure = less(measure).ok_or(Problem::ReplyTooLarge)?;
            body.clear();
        }
    }

    /// Takes the host's name out, where it is not to be shown, and says so where a document has reasons.
    fn hide_host(&self, instance: &mut InstanceInfo, unavailable: Option<&mut Unavailable>) {
        if !self.shows_host {
            instance.host = None;
            if let Some(unavailable) = unavailable {
                unavailable.note("instance.host", "not shown: the service hides it (`Endpoint::hide_host`)");
            }
        }
    }

    /// Says in a body that it was cut, or makes it full.
    fn mark_truncated(&self, body: &mut Bounded, rows: usize, max_bytes: usize) {
        match self.format {
            // A report is one indented JSON object that is never empty, so a member fits in at its front.
            Format::Json => body.replace_first("{\n  \"truncated\": true,"),
            // A refusal is seen by the body being full.
            _ => drop(write!(body, "\ntruncated: {rows} rows are all that fit into {max_bytes} bytes\n")),
        }
    }
}

/// Whether a body was written to its end.
type Written = Result<(), NotWritten>;

/// A body was not written to its end. Why is seen from the body, or is a defect.
#[derive(Debug)]
struct NotWritten;

/// Half of the rows, until there are none.
fn half(rows: usize) -> Option<usize> {
    (rows > 0).then_some(rows / 2)
}

fn written<T, E>(result: Result<T, E>) -> Written {
    result.map(drop).map_err(|_| NotWritten)
}

/// What grew since the oldest snapshot that can be compared: of this process, with the same samples. `None` if there is
/// none: then growth stays unknown to the doctor.
fn growth(collected: &Collected, snapshots: &Snapshots) -> Option<SnapshotDiff> {
    snapshots.list().iter().find_map(|base| collected.growth_since(base).ok())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use memory_debug_core::Collector;

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

    fn view(format: Format, page: Page, top: usize) -> View {
        let types = TypesView { top, ..TypesView::default() };
        View {
            wanted: Wanted::Page { page, types, selection: Selection::default() },
            format,
            force: false,
            shows_host: true,
        }
    }

    fn written(view: &View, report: &MemoryReport, max_bytes: usize) -> Result<Bytes, Problem> {
        let material = Material {
            collected: Some(&report.clone().into()),
            collect: &Collector::new(),
            snapshots: &Snapshots::default(),
            max_bytes,
            deadline: Duration::MAX,
            fleets: &RefCell::default(),
        };
        view.answer(material, &proof()).map(|reply| reply.body)
    }

    #[test]
    fn a_page_that_fits_is_what_core_renders() {
        let (report, view) = (report(5), view(Format::Json, Page::Types, 50));
        let body = written(&view, &report, 1 << 20).unwrap();
        assert_eq!(body, render::json(&report, Page::Types, &TypesView::default()));
    }

    #[test]
    fn s62_the_host_is_named_only_where_it_may_be() {
        let mut report = report(1);
        report.instance.host = Some("node-7".to_owned());
        for (format, name) in [(Format::Json, "\"node-7\""), (Format::Text, "host node-7")] {
            let shown = |shows_host| {
                let view = View { shows_host, ..view(format, Page::Overview, 50) };
                String::from_utf8(written(&view, &report, 1 << 20).unwrap().into()).unwrap()
            };
            assert!(shown(true).contains(name), "{}", shown(true));
            assert!(!shown(false).contains("node-7"), "{}", shown(false));
        }
        let view = View { shows_host: false, ..view(Format::Json, Page::Types, 50) };
        let json: Value = serde_json::from_slice(&written(&view, &report, 1 << 20).unwrap()).unwrap();
        assert_eq!(json["instance"]["host"], Value::Null);
        assert_eq!(
            json["unavailable"]["instance.host"],
            "not shown: the service hides it (`Endpoint::hide_host`)"
        );
    }

    #[test]
    fn s45_a_page_of_exactly_the_limit_is_whole_and_one_byte_less_cuts_it() {
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
    fn s45_cut_json_is_valid_and_counts_what_is_missing() {
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
}
