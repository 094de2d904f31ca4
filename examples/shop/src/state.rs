//! The state of the shop.

use std::sync::Arc;

use crate::config::Config;
use crate::feed::Feed;
use crate::jobs::Jobs;
use crate::reports::Reports;
use crate::sessions::Sessions;

/// The stores of the shop. Clones share them.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The sessions of visitors.
    pub sessions: Arc<Sessions>,
    /// Sales reports.
    pub reports: Arc<Reports>,
    /// The work queue.
    pub jobs: Arc<Jobs>,
    /// Messages about what happens.
    pub feed: Arc<Feed>,
}

impl AppState {
    /// The maximum size of a request body, for services to set.
    pub const MAX_BODY: usize = 64 << 10;

    /// Fills the stores and starts the background tasks. The tasks end with the last clone, except
    /// [`Leaks`](crate::Leaks), which end with the runtime.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn start(config: &Config) -> Self {
        let feed = Arc::new(Feed::default());
        let sessions = Arc::new(Sessions::new(Arc::clone(&feed)));
        let reports = Arc::new(Reports::new(config.report_cache_bytes));
        let jobs = Arc::new(Jobs::start(&feed));
        config.population.settle(&sessions, &reports, &jobs);
        config.leaks.start();
        Self { sessions, reports, jobs, feed }
    }

    /// Ends the streams that would otherwise keep connections open forever.
    pub fn close(&self) {
        self.feed.close();
    }
}
