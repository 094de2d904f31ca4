//! The path of a page, in configurations and in addresses.

/// The path of the page unless another one is configured.
pub const DEFAULT_PATH: &str = "/debug/memory";

/// The path of the page for an address with the path `path`: without trailing slashes, and [the
/// default](DEFAULT_PATH) if nothing is left.
#[must_use]
pub fn page_path(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => DEFAULT_PATH,
        path => path,
    }
}

/// Returns why no page can be mounted at `path`, in words that follow "it". `None` for an absolute path of plain URL
/// characters.
///
/// Request paths are compared as sent, so a path that clients would encode differently is refused.
#[must_use]
pub fn page_path_defect(path: &str) -> Option<&'static str> {
    let Some(segments) = path.strip_prefix('/') else {
        return Some("does not begin with `/`");
    };
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~!$&'()+,;=@".contains(&byte)) {
        Some("has a character that clients encode or routers interpret")
    } else if segments.split('/').any(str::is_empty) {
        Some("has an empty segment or ends with `/`")
    } else if segments.split('/').any(|segment| segment == "." || segment == "..") {
        Some("has a `.` or `..` segment, which clients remove")
    } else {
        None
    }
}

/// Returns `address` for an error message, with `***` instead of a login.
#[must_use]
pub fn without_login(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    // A password may contain any character, so everything before the last `@` counts as the login.
    match rest.rfind('@') {
        Some(at) => format!("{scheme}{separator}***{}", &rest[at..]),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_has_the_default_path() {
        for (path, expected) in
            [("", DEFAULT_PATH), ("/", DEFAULT_PATH), ("//", DEFAULT_PATH), ("/m/", "/m"), ("/m", "/m")]
        {
            assert_eq!(page_path(path), expected, "{path}");
        }
    }

    #[test]
    fn s63_a_login_is_not_repeated() {
        for (address, expected) in [
            ("https://ops:hunter2@shop", "https://***@shop"),
            ("ops:hunter2@shop:1", "***@shop:1"),
            ("https://ops:hun/ter2@shop/m", "https://***@shop/m"),
            ("https://a@hunter2@shop", "https://***@shop"),
            ("https://shop/m", "https://shop/m"),
            ("hunter2://x@shop", "hunter2://***@shop"),
        ] {
            assert_eq!(without_login(address), expected, "{address}");
        }
    }
}
