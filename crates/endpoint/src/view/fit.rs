//! Bodies of limited length, and notes about what they leave out.

use std::fmt::{Display, Write};

use memory_debug_core::{InstanceInfo, Snapshots, Unavailable, Work, render};
use serde::Serialize;

use super::bounded::Bounded;
use super::page_request::RenderRequest;
use crate::html::Site;
use crate::reply::{Format, Problem, Reply};

impl RenderRequest {
    /// Writes a table with `rows` rows, and halves the number of rows until the body fits. A truncated body says so:
    /// text in its last line, JSON with the member `truncated`.
    pub(super) fn fitting(
        &self,
        rows: usize,
        max_bytes: usize,
        write: impl Fn(&mut Bounded, usize) -> Written,
    ) -> Result<Reply, Problem> {
        self.until_it_fits(rows, half, max_bytes, |body, shown| {
            write(body, shown)?;
            // A page for browsers has its own note.
            if shown < rows && self.site.is_none() {
                self.mark_truncated(body, shown, max_bytes);
            }
            Ok(())
        })
    }

    /// Writes a body in the requested form: as a page for browsers, as JSON or as text.
    pub(super) fn in_form<J: ToString, T: ToString>(
        &self,
        body: &mut Bounded,
        page: impl FnOnce(&Site) -> String,
        json: impl FnOnce(&mut Bounded) -> Result<(), J>,
        text: impl FnOnce(&mut Bounded) -> Result<(), T>,
    ) -> Written {
        match (&self.site, self.format) {
            (Some(site), _) => written(body.write_str(&page(site))),
            (None, Format::Json) => written(json(body)),
            (None, _) => written(text(body)),
        }
    }

    /// Writes a body that cannot be truncated.
    pub(super) fn whole(
        &self,
        max_bytes: usize,
        write: impl Fn(&mut Bounded) -> Written,
    ) -> Result<Reply, Problem> {
        self.until_it_fits((), |()| None, max_bytes, |body, ()| write(body))
    }

    /// Writes a document that cannot be truncated. `page` writes it for browsers.
    pub(super) fn document(
        &self,
        document: &(impl Serialize + Display),
        max_bytes: usize,
        page: impl Fn(&Site) -> String,
    ) -> Result<Reply, Problem> {
        self.whole(max_bytes, |body| {
            self.in_form(
                body,
                &page,
                |body| render::write_line(body, document),
                |body| write!(body, "{document}"),
            )
        })
    }

    /// Writes a body, first with `measure` and then with smaller measures from `less`, until it fits. Only one body
    /// exists at a time, and no body is longer than `max_bytes`.
    pub(super) fn until_it_fits<M: Copy>(
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
                attempt
                    .map_err(|NotWritten(reason)| Problem::internal("the page was not written", &reason))?;
                return Ok(Reply::page(self.format, body.into_bytes()));
            }
            measure = less(measure).ok_or(Problem::ReplyTooLarge)?;
            body.clear();
        }
    }

    /// Removes the name of the host if the reader may not see it. Documents with reasons get a note about it.
    pub(super) fn hide_host(&self, instance: &mut InstanceInfo, unavailable: Option<&mut Unavailable>) {
        if !self.shows_host {
            instance.host = None;
            if let Some(unavailable) = unavailable {
                unavailable.note("instance.host", "not shown: the service hides it (`Endpoint::hide_host`)");
            }
        }
    }

    /// Notes in a body that it was truncated. The body becomes full if the note does not fit.
    fn mark_truncated(&self, body: &mut Bounded, rows: usize, max_bytes: usize) {
        match self.format {
            // A report is one indented JSON object that is never empty, so a member fits in at its front.
            Format::Json => body.replace_first("{\n  \"truncated\": true,"),
            // If the line does not fit, the body is full.
            _ => drop(write!(body, "\n{}\n", truncated(rows, max_bytes))),
        }
    }
}

/// The note that a body has fewer rows than requested.
pub(super) fn truncated(rows: usize, max_bytes: usize) -> String {
    format!("truncated: only {rows} rows fit into {max_bytes} bytes")
}

/// The note, if a body has fewer rows than requested.
pub(super) fn truncation(rows: usize, requested: usize, max_bytes: usize) -> Option<String> {
    (rows < requested).then(|| truncated(rows, max_bytes))
}

/// The outcome of writing a body.
pub(super) type Written = Result<(), NotWritten>;

/// An incomplete body. If the body is not full, the reason is a defect.
#[derive(Debug)]
pub(super) struct NotWritten(String);

/// Half the number of rows. `None` if there are no rows left to drop.
pub(super) fn half(rows: usize) -> Option<usize> {
    (rows > 0).then_some(rows / 2)
}

pub(super) fn written<T, E: ToString>(result: Result<T, E>) -> Written {
    result.map(drop).map_err(|error| NotWritten(error.to_string()))
}

/// The work of a comparison with any of the kept snapshots.
pub(super) fn comparison(snapshots: &Snapshots) -> Work {
    Work::Comparison { stacks: most_stacks(snapshots).unwrap_or(0) }
}

/// The largest number of stacks in any snapshot. `None` if there are no snapshots.
pub(super) fn most_stacks(snapshots: &Snapshots) -> Option<u64> {
    snapshots.list().iter().map(|snapshot| snapshot.info().stacks).max()
}
