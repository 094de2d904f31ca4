//! Header fields of every reply, whatever its status.

/// Headers that keep browsers and caches from storing, sniffing, framing, embedding, running or indexing a page.
pub(crate) const ALWAYS: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("vary", "Accept, Authorization"),
    ("x-robots-tag", "noindex"),
];

/// Headers that differ for a page for browsers. Under `no-referrer`, browsers send no `Origin` with a form, so a form
/// could not be told from a form of another site.
#[cfg(feature = "html")]
pub(crate) fn of_html() -> [(&'static str, &'static str); 2] {
    let policy = memory_debug_web::content_security_policy();
    [("content-security-policy", policy), ("referrer-policy", "same-origin")]
}

/// Headers that differ for the flame graph, which runs a script of its own.
#[cfg(feature = "html")]
pub(crate) fn of_flame_graph() -> [(&'static str, &'static str); 1] {
    [("content-security-policy", memory_debug_web::flame_graph_policy())]
}

/// Headers that differ for the flame graph. This build has none.
#[cfg(not(feature = "html"))]
pub(crate) fn of_flame_graph() -> [(&'static str, &'static str); 0] {
    []
}

/// Headers that differ for a page for browsers. This build has none.
#[cfg(not(feature = "html"))]
pub(crate) fn of_html() -> [(&'static str, &'static str); 0] {
    []
}

#[cfg(any(test, feature = "html"))]
/// The header that differs for an asset: its name has a hash of its bytes, so it never changes.
pub(crate) const OF_ASSET: [(&str, &str); 1] = [("cache-control", "private, max-age=31536000, immutable")];

/// The header that asks a client for credentials.
pub(crate) const CHALLENGE: (&str, &str) = ("www-authenticate", "Basic realm=\"memory\", charset=\"UTF-8\"");
