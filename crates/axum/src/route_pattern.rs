//! The pattern that axum's router matched.

use axum::extract::MatchedPath;
use axum::http::Extensions;

/// The pattern of the route, such as `/orders/{id}`. `None` around a router, and for its fallback.
pub(crate) fn route_pattern(extensions: &Extensions) -> Option<&str> {
    extensions.get::<MatchedPath>().map(MatchedPath::as_str)
}
