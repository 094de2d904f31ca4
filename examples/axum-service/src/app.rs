//! The service as a whole: its state and its routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use memory_debug_axum::{Credentials, MemoryDebugLayer};

use crate::audit;
use crate::config::Config;
use crate::feed::{self, Feed};
use crate::jobs::{self, Jobs};
use crate::reports::{self, Reports};
use crate::sessions::{self, Sessions};

/// Upper bound of a request body.
const MAX_BODY: usize = 64 << 10;

/// What the service answers at its root.
const INDEX: &str = "\
POST /sessions, GET /sessions, GET and DELETE /sessions/{id}
GET /reports/{day}
POST /jobs, GET /jobs/{id}
GET /feed
";

/// Everything the service holds. Clones share it.
#[derive(Clone, Debug)]
pub struct AppState {
    sessions: Arc<Sessions>,
    reports: Arc<Reports>,
    jobs: Arc<Jobs>,
    feed: Arc<Feed>,
}

impl AppState {
    /// Fills the stores and starts the background tasks, which end with the last clone; that of `--leak` ends with the
    /// runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(config: &Config) -> Self {
        let feed = Arc::new(Feed::default());
        let sessions = Arc::new(Sessions::new(Arc::clone(&feed)));
        let reports = Arc::new(Reports::new(config.report_cache_bytes));
        let jobs = Arc::new(Jobs::start(&feed));
        config.population.settle(&sessions, &reports, &jobs);
        if config.leak {
            tokio::spawn(audit::leak());
        }
        Self { sessions, reports, jobs, feed }
    }

    /// Ends the streams that would otherwise keep connections open for ever.
    pub fn close(&self) {
        self.feed.close();
    }
}

/// The routes of the service, and `/debug/memory` for those who know `credentials`.
pub fn app(state: &AppState, credentials: Credentials) -> Router {
    let memory =
        MemoryDebugLayer::new(credentials).service(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    Router::new()
        .route("/", get(INDEX))
        .nest("/sessions", sessions::router(Arc::clone(&state.sessions)))
        .nest("/reports", reports::router(Arc::clone(&state.reports)))
        .nest("/jobs", jobs::router(Arc::clone(&state.jobs)))
        .nest("/feed", feed::router(Arc::clone(&state.feed)))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(memory)
}

#[cfg(test)]
mod tests;
