//! The guard against hanging.

use std::time::Duration;

/// Far longer than anything here takes, also on a busy machine. No test passes because it is over.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The output of `future`.
///
/// # Panics
///
/// If it does not complete within [`LIMIT`].
pub async fn within_limit<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.expect("the test hangs")
}
