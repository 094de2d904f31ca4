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

/// Headers that differ for a page for browsers. It may load its own style sheet and icon and send its own forms, and
/// nothing else. Browsers send no `Origin` with a form under `no-referrer`, so a form could not be told from a form of
/// another site.
pub(crate) const OF_HTML: [(&str, &str); 2] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors \
         'none'",
    ),
    ("referrer-policy", "same-origin"),
];

#[cfg(any(test, feature = "html"))]
/// The header that differs for an asset: its name has a hash of its bytes, so it never changes.
pub(crate) const OF_ASSET: [(&str, &str); 1] = [("cache-control", "private, max-age=31536000, immutable")];

/// The header that asks a client for credentials.
pub(crate) const CHALLENGE: (&str, &str) = ("www-authenticate", "Basic realm=\"memory\", charset=\"UTF-8\"");
