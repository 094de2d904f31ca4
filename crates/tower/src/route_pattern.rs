//! How a router tells which pattern a request matched.

use http::Extensions;

/// Reads the pattern that the router matched, from the extensions of a request. `None` without a route.
pub(crate) type RoutePattern = fn(&Extensions) -> Option<&str>;
