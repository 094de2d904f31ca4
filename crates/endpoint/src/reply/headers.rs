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

/// The header that asks a client for credentials.
pub(crate) const CHALLENGE: (&str, &str) = ("www-authenticate", "Basic realm=\"memory\", charset=\"UTF-8\"");
