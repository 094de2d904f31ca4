//! Recent pages of statistics, so that requests in a tight loop do not collect in a tight loop.

use std::time::{Duration, Instant};

use crate::reply::Reply;
use crate::view::RenderRequest;

/// The recent pages of statistics, one per view, each from the last report in which the view was rendered.
#[derive(Debug, Default)]
pub(super) struct RecentPages {
    /// The time until which pages of the current report can be reused.
    until: Option<Instant>,
    pages: Vec<(RenderRequest, Instant, Reply)>,
}

impl RecentPages {
    /// Starts a new report, whose pages can be reused until `age` has passed. Pages of older reports stay
    /// until their own time is over. Otherwise a client that alternates between text and JSON would collect
    /// each time.
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

    /// Returns the page as it was rendered, if it is recent enough.
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
    fn s46_a_page_is_reused_only_for_its_view_and_while_it_is_recent() {
        let mut kept = RecentPages::default();
        let now = Instant::now();
        let text = view(Format::Text);
        let page = page("page");
        assert_eq!(kept.get(&text, now), None);
        kept.begin(now, AGE);
        kept.add(&text, &page);
        assert_eq!(kept.get(&text, now + AGE / 2), Some(page));
        assert_eq!(kept.get(&view(Format::Json), now), None);
        assert_eq!(kept.get(&text, now + AGE), None);
    }

    #[test]
    fn s46_a_page_of_a_new_report_replaces_only_the_page_of_the_same_view() {
        let mut kept = RecentPages::default();
        let now = Instant::now();
        let (text, json) = (view(Format::Text), view(Format::Json));
        kept.begin(now, AGE);
        kept.add(&text, &page("old text"));
        kept.add(&json, &page("old json"));
        let later = now + AGE / 2;
        kept.begin(later, AGE);
        kept.add(&json, &page("new json"));
        assert_eq!(kept.get(&text, later).unwrap(), page("old text"));
        assert_eq!(kept.get(&json, later).unwrap(), page("new json"));
        assert_eq!(kept.get(&text, now + AGE), None, "other pages do not extend its time");
        assert_eq!(kept.get(&json, now + AGE).unwrap(), page("new json"));
        kept.begin(later + AGE, AGE);
        assert!(kept.pages.is_empty(), "old pages are dropped");
    }

    #[test]
    fn s46_no_page_is_reused_if_the_age_is_zero() {
        let mut kept = RecentPages::default();
        let now = Instant::now();
        kept.begin(now, Duration::ZERO);
        kept.add(&view(Format::Text), &page(""));
        assert_eq!(kept.get(&view(Format::Text), now), None);
    }
}
