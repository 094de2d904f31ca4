//! A time limit for tests that would hang.

use std::time::Duration;

/// Far longer than any step takes, even on a busy machine. No test passes because of it.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Returns the output of `future`.
///
/// # Panics
///
/// If it does not complete within [`LIMIT`].
pub async fn within_limit<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.expect("the test hangs")
}
