//! Pages of a moment ago, so that asking for statistics in a tight loop does not collect in one.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::view::View;

/// The pages written from the last report, while it is young enough.
#[derive(Debug, Default)]
pub(super) struct Kept {
    until: Option<Instant>,
    pages: Vec<(View, Bytes)>,
}

impl Kept {
    /// Forgets the last report for a new one, that may be used until `age` has passed.
    pub(super) fn begin(&mut self, now: Instant, age: Duration) {
        *self = Self { until: Some(now + age), pages: Vec::new() };
    }

    pub(super) fn add(&mut self, view: &View, page: &Bytes) {
        self.pages.push((view.clone(), page.clone()));
    }

    /// The page as it was written, if that is not too long ago.
    pub(super) fn get(&self, view: &View, now: Instant) -> Option<Bytes> {
        self.until.filter(|until| now < *until)?;
        self.pages.iter().find(|(known, _)| known == view).map(|(_, page)| page.clone())
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_core::{Page, TypesView};

    use super::*;
    use crate::format::Format;

    const AGE: Duration = Duration::from_millis(250);

    fn view(format: Format) -> View {
        View { page: Page::Stats, types: TypesView::default(), format, force: false, shows_host: true }
    }

    #[test]
    fn s46_a_page_is_kept_for_its_time_and_for_its_view() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        let (text, page) = (view(Format::Text), Bytes::from_static(b"page"));
        assert_eq!(kept.get(&text, now), None);
        kept.begin(now, AGE);
        kept.add(&text, &page);
        assert_eq!(kept.get(&text, now + AGE / 2), Some(page));
        assert_eq!(kept.get(&view(Format::Json), now), None);
        assert_eq!(kept.get(&text, now + AGE), None);
    }

    #[test]
    fn s46_a_new_report_replaces_all_pages_of_the_old_one() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.begin(now, AGE);
        kept.add(&view(Format::Text), &Bytes::from_static(b"old"));
        kept.begin(now, AGE);
        assert_eq!(kept.get(&view(Format::Text), now), None);
    }

    #[test]
    fn s46_nothing_is_kept_for_no_time() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.begin(now, Duration::ZERO);
        kept.add(&view(Format::Text), &Bytes::new());
        assert_eq!(kept.get(&view(Format::Text), now), None);
    }
}
