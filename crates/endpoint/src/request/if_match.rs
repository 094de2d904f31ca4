//! The header `If-Match` (RFC 9110, section 13.1.1): makes a change only if the client has seen the current state.

/// The states that a change applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Any state: there is no header, or it is `*`.
    Any,
    /// States with one of these tags, quotes included. The list is empty if the header is malformed, so that a
    /// condition that cannot be parsed matches no state.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Reads all values of the header.
    pub(crate) fn read(values: &[&[u8]]) -> Self {
        match values {
            [] => Self::Any,
            [value] if value.trim_ascii() == b"*" => Self::Any,
            values => Self::Tags(tags(&values.join(&b',')).unwrap_or_default()),
        }
    }
}

/// The strong tags of a list. Weak tags are left out, because they never match here. `None` if the list is malformed.
fn tags(mut rest: &[u8]) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    loop {
        // Empty elements are ignored (RFC 9110, section 5.6.1.2).
        rest = rest.trim_ascii_start();
        while let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
        }
        if rest.is_empty() {
            return Some(tags);
        }
        let strong = rest.strip_prefix(b"W/");
        let is_weak = strong.is_some();
        let quoted = strong.unwrap_or(rest).strip_prefix(b"\"")?;
        let end = quoted.iter().position(|&byte| byte == b'"')?;
        let (tag, after) = (&quoted[..end], quoted[end + 1..].trim_ascii_start());
        if !(after.is_empty() || after.starts_with(b",")) {
            return None;
        }
        if !is_weak {
            tags.push(format!("\"{}\"", std::str::from_utf8(tag).ok()?));
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> IfMatch {
        IfMatch::read(&[value.as_bytes()])
    }

    fn strong(tags: &[&str]) -> IfMatch {
        IfMatch::Tags(tags.iter().map(|tag| format!("\"{tag}\"")).collect())
    }

    #[test]
    fn a_missing_header_and_a_star_match_any_state() {
        assert_eq!(IfMatch::read(&[]), IfMatch::Any);
        assert_eq!(read("*"), IfMatch::Any);
        assert_eq!(read(" * "), IfMatch::Any);
    }

    #[test]
    fn lists_span_all_headers_and_weak_tags_match_nothing() {
        assert_eq!(read("\"a\""), strong(&["a"]));
        assert_eq!(read("\"a\", \"b,c\" ,,W/\"d\",\"\","), strong(&["a", "b,c", ""]));
        assert_eq!(IfMatch::read(&[b"\"a\"", b" \"b\""]), strong(&["a", "b"]));
        assert_eq!(read("W/\"a\""), strong(&[]));
    }

    #[test]
    fn a_malformed_header_matches_no_state() {
        for value in
            ["", "a", "\"a", "a\"", "\"a\" \"b\"", "\"a\"b", "*, \"a\"", "w/\"a\"", "W/ \"a\"", "'a'", "**"]
        {
            assert_eq!(read(value), strong(&[]), "{value}");
        }
        // A split at the commas would find `"b"`.
        assert_eq!(read("\"a,\"b\",c\""), strong(&[]));
        assert_eq!(IfMatch::read(&[b"\"a\"", b"*"]), strong(&[]));
        assert_eq!(IfMatch::read(&[b"\"\xff\""]), strong(&[]));
    }

    proptest! {
        #[test]
        fn no_header_panics(values: Vec<Vec<u8>>, list in "[W/\", ab*]{0,20}") {
            IfMatch::read(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
            read(&list);
        }
    }
}
