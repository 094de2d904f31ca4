//! Pages of a moment ago, so that asking for statistics in a tight loop does not collect in one.

use std::time::{Duration, Instant};

use crate::reply::Reply;
use crate::view::RenderRequest;

/// The pages of statistics that are young enough, each from the last report that it was written from.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Until when pages of the present report may be used.
    until: Option<Instant>,
    pages: Vec<(RenderRequest, Instant, Reply)>,
}

impl Kept {
    /// Takes the pages to come for those of a new report, that may be used until `age` has passed. Pages of others stay
    /// until their time is over: whoever asks for text and JSON in turns would otherwise collect each time.
    pub(super) fn begin(&mut self, now: Instant, age: Duration) {
        self.until = Some(now + age);
        self.pages.retain(|(_, until, _)| now < *until);
    }

    pub(super) fn clear(&mut self) {
        self.pages.clear();
    }

    pub(super) fn add(&mut self, view: &RenderRequest, page: &Reply) {
        let Some(until) = self.until else { return };
        self.pages.retain(|(known, ..)| known != view);
        self.pages.push((view.clone(), until, page.clone()));
    }

    /// The page as it was written, if that is not too long ago.
    pub(super) fn get(&self, view: &RenderRequest, now: Instant) -> Option<Reply> {
        let page = self.pages.iter().find(|(known, until, _)| known == view && now < *until);
        page.map(|(.., page)| page.clone())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use memory_debug_core::{Page, TypesView};

    use super::*;
    use crate::reply::Format;

    const AGE: Duration = Duration::from_millis(250);

    fn view(format: Format) -> RenderRequest {
        RenderRequest::of_report(Page::Stats, TypesView::default(), format)
    }

    fn page(body: &'static str) -> Reply {
        Reply::page(Format::Text, Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn s46_a_page_is_kept_for_its_time_and_for_its_view() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        let (text, page) = (view(Format::Text), page("page"));
        assert_eq!(kept.get(&text, now), None);
        kept.begin(now, AGE);
        kept.add(&text, &page);
        assert_eq!(kept.get(&text, now + AGE / 2), Some(page));
        assert_eq!(kept.get(&view(Format::Json), now), None);
        assert_eq!(kept.get(&text, now + AGE), None);
    }

    #[test]
    fn s46_a_page_of_a_new_report_replaces_its_own_and_no_other() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        let (text, json) = (view(Format::Text), view(Format::Json));
        kept.begin(now, AGE);
        kept.add(&text, &page("old text"));
        kept.add(&json, &page("old json"));
        let later = now + AGE / 2;
        kept.begin(later, AGE);
        kept.add(&json, &page("new json"));
        assert_eq!(kept.get(&text, later).unwrap(), page("old text"));
        assert_eq!(kept.get(&json, later).unwrap(), page("new json"));
        assert_eq!(kept.get(&text, now + AGE), None, "a page becomes no younger by others");
        assert_eq!(kept.get(&json, now + AGE).unwrap(), page("new json"));
        kept.begin(later + AGE, AGE);
        assert!(kept.pages.is_empty(), "what is too old takes no room");
    }

    #[test]
    fn s46_nothing_is_kept_for_no_time() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.begin(now, Duration::ZERO);
        kept.add(&view(Format::Text), &page(""));
        assert_eq!(kept.get(&view(Format::Text), now), None);
    }
}
