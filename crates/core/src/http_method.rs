//! Methods of HTTP that labels of routes may name.

/// Returns the method if it is one of RFC 9110 or PATCH, and otherwise `(other method)`, because a client may send any
/// word.
#[must_use]
pub fn known_method(method: &str) -> &'static str {
    match method {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => "(other method)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s61_a_word_of_the_client_is_no_method() {
        for method in ["", "get", "hunter2", "GET /secret", "\u{202e}"] {
            assert_eq!(known_method(method), "(other method)", "{method:?}");
        }
        assert_eq!(known_method("PATCH"), "PATCH");
    }
}
