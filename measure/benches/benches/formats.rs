//! Compares a hit as HTML with a hit as text, on the heap of the axum example in the same run: the whole way from a
//! request to its reply, a collection included.
//!
//! Hits of both formats are made in turn, and medians are compared. `--test` makes few hits, and asserts the pages but
//! not the times.

use std::process::ExitCode;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum_service::{AppState, Config, app};
use http_body_util::BodyExt;
use memory_debug_axum::Credentials;
use memory_debug_benches::side_by_side::{median, settle, time};
use tokio::runtime::Runtime;
use tower::ServiceExt;

memory_debug_core::install!();

/// Target: the largest ratio of the time of a hit as HTML to the time of the same hit as text.
const TARGET: f64 = 1.5;

/// Pages that collect types. The statistics are reused for a while, so their hits would not collect.
const PAGES: [&str; 3] = ["", "/types?top=1000", "/doctor"];

fn main() -> ExitCode {
    let test = std::env::args().any(|argument| argument == "--test");
    let runtime = Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let state = AppState::start(&Config::full());
    let credentials = Credentials::new("ops", "tram-ribbon-lunar-58").expect("a strong password");
    let router = app(&state, credentials);
    settle();
    let hit = |page: &str, format: &str, begins: &str| {
        let separator = if page.contains('?') { '&' } else { '?' };
        let request = Request::get(format!("/debug/memory{page}{separator}format={format}"))
            .header("authorization", "Basic b3BzOnRyYW0tcmliYm9uLWx1bmFyLTU4")
            .body(Body::empty())
            .expect("a valid request");
        runtime.block_on(async {
            let reply = router.clone().oneshot(request).await.expect("a reply");
            assert_eq!(reply.status(), StatusCode::OK);
            let body = reply.into_body().collect().await.expect("a body").to_bytes();
            assert!(body.starts_with(begins.as_bytes()), "{}", String::from_utf8_lossy(&body));
        });
    };
    let mut is_met = true;
    for page in PAGES {
        let text_begins = if page.starts_with("/types") { " " } else { "axum-service" };
        let text = || time(|| hit(page, "text", text_begins));
        let html = || time(|| hit(page, "html", "<!DOCTYPE html>"));
        // The first hits read symbols.
        let _ = (text(), html());
        let hits: Vec<_> = (0..if test { 1 } else { 101 }).map(|_| (text(), html())).collect();
        let (text, html): (Vec<_>, Vec<_>) = hits.into_iter().unzip();
        let (text, html) = (median(text), median(html));
        let ratio = html as f64 / text as f64;
        println!("{page:<16} text {text} µs, HTML {html} µs: {ratio:.2} times (target {TARGET})");
        is_met &= ratio <= TARGET;
    }
    if test || is_met {
        return ExitCode::SUCCESS;
    }
    eprintln!("the target was missed");
    ExitCode::FAILURE
}
