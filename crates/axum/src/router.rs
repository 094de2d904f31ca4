//! The page as a router.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use memory_debug_tower::Credentials;

use crate::MemoryDebugLayer;

/// Makes a router with the memory page at `/debug/memory` and everything below, to merge or to nest.
///
/// It contains no layers besides the page. The application's own layers apply if they are added after merging.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use memory_debug_axum::{Credentials, generate_password, router};
///
/// let credentials = Credentials::new("ops", generate_password()?)?;
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .merge(router(credentials));
/// # Ok::<(), memory_debug_axum::CredentialsError>(())
/// ```
///
/// For other settings use [`router_with`].
pub fn router<S>(credentials: Credentials) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let layer = MemoryDebugLayer::new(credentials);
    #[cfg(feature = "tokio")]
    let layer = layer.connection(crate::connect_info);
    router_with(layer)
}

/// Makes a router like [`router`], with the settings of `layer`, including its path and its
/// [aliases](memory_debug_tower::Endpoint::pprof_aliases).
pub fn router_with<S>(layer: MemoryDebugLayer) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let base = layer.base_path().to_owned();
    let aliases = layer.alias_paths();
    // The handler is never reached: the layer answers all of these paths. That includes unknown paths below the page,
    // so that they ask for credentials first.
    let page = any(|| async { StatusCode::NOT_FOUND }).layer(layer);
    // An alias below the base has a route already.
    let is_below = |alias: &&&str| {
        alias.strip_prefix(&*base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let elsewhere = aliases.iter().filter(|alias| !is_below(alias));
    elsewhere
        .fold(Router::new(), |router, alias| router.route(alias, page.clone()))
        .route(&base, page.clone())
        .route(&format!("{base}/"), page.clone())
        .route(&format!("{base}/{{*rest}}"), page)
}

#[cfg(test)]
mod tests;
