//! Chooses a format by the `Accept` header (RFC 9110, section 12.5.1).

use crate::reply::Format;

/// Returns the format out of `formats` that `accept` (all values of the header) prefers. Among equally preferred
/// formats the first one wins. `None` if the header accepts none of them.
pub(crate) fn negotiate(accept: &[&[u8]], formats: &[Format]) -> Option<Format> {
    best(accept, formats, |format, range| range.specificity(format.media_type()))
}

/// Returns the format for an error: the format that `query` names, else the format that `accept` prefers, else text.
///
/// Looks at the raw query because the error may be that the query cannot be parsed.
pub(crate) fn negotiate_problem(query: Option<&str>, accept: &[&[u8]]) -> Format {
    let by_name = query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| {
        let name = pair.strip_prefix("format=")?;
        Format::from_name(name, Format::PAGE)
    });
    let by_header = || {
        best(accept, Format::PAGE, |format, range| {
            let as_page = range.specificity(format.media_type());
            as_page.max(range.specificity(format.problem_content_type()))
        })
    };
    by_name.or_else(by_header).unwrap_or(Format::Text)
}

/// One element of the header: `text/*;q=0.5`.
struct MediaRange<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// The quality in thousandths. 0 means not acceptable.
    quality: u16,
}

fn best(
    accept: &[&[u8]],
    formats: &[Format],
    specificity: impl Fn(Format, &MediaRange<'_>) -> Option<u8>,
) -> Option<Format> {
    let ranges: Vec<_> = accept
        .iter()
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .filter_map(MediaRange::parse)
        .collect();
    if ranges.is_empty() {
        // There is no usable header, so there is no preference.
        return formats.first().copied();
    }
    // For each format, the most specific matching range decides, not the range with the highest quality.
    let quality = |format| {
        let matching = ranges.iter().filter_map(|range| Some((specificity(format, range)?, range.quality)));
        matching.max().map_or(0, |(_, quality)| quality)
    };
    // `max_by_key` prefers the last of several equal formats, hence the reversal.
    let liked = formats.iter().copied().rev().max_by_key(|&format| quality(format));
    liked.filter(|&format| quality(format) > 0)
}

impl<'a> MediaRange<'a> {
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut quality = 1000;
        for parameter in parts {
            if let Some((name, value)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("q")
            {
                quality = thousandths(value.trim())?;
            }
        }
        (!kind.is_empty() && !subtype.is_empty()).then_some(Self { kind, subtype, quality })
    }

    /// Returns how precisely this range names `media_type`. `None` if it does not match. Parameters are ignored.
    fn specificity(&self, media_type: &str) -> Option<u8> {
        let essence = media_type.split(';').next()?;
        let (kind, subtype) = essence.split_once('/')?;
        if self.kind == "*" && self.subtype == "*" {
            Some(0)
        } else if !self.kind.eq_ignore_ascii_case(kind) {
            None
        } else if self.subtype == "*" {
            Some(1)
        } else {
            self.subtype.eq_ignore_ascii_case(subtype).then_some(2)
        }
    }
}

/// Parses a quality: `0.75` is 750. Accepts any number of digits and a missing zero (clients do send `.2`).
fn thousandths(quality: &str) -> Option<u16> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(*b"000").take(3);
    let fraction = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match whole {
        "" | "0" => Some(fraction),
        "1" => (fraction == 0).then_some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(accept: &str) -> Option<Format> {
        negotiate(&[accept.as_bytes()], Format::PAGE)
    }

    #[test]
    fn no_preference_means_text() {
        assert_eq!(negotiate(&[], Format::PAGE), Some(Format::Text));
        for accept in ["*/*", "", "text/*", "*/*;q=0.1", "nonsense", "*; q=.2", "\u{e9}"] {
            assert_eq!(chosen(accept), Some(Format::Text), "{accept}");
        }
        assert_eq!(negotiate(&[b"\xff/\xff"], Format::PAGE), Some(Format::Text));
    }

    #[test]
    fn the_highest_quality_wins() {
        for (accept, expected) in [
            ("application/json", Format::Json),
            ("Application/JSON ; charset=utf-8", Format::Json),
            ("application/*", Format::Json),
            ("text/plain;q=0.5, application/json", Format::Json),
            ("text/plain;q=0.5, application/json;q=0.4", Format::Text),
            ("application/json, text/plain", Format::Text),
            ("application/json, */*;q=0.9", Format::Json),
            ("application/json;q=.2, */*; q=.1", Format::Json),
            ("text/plain;q=0.100, application/json;q=0.101", Format::Json),
        ] {
            assert_eq!(chosen(accept), Some(expected), "{accept}");
        }
    }

    #[cfg(feature = "html")]
    #[test]
    fn a_browser_gets_html_and_a_client_that_accepts_anything_gets_text() {
        for accept in [
            "text/html",
            "text/html, */*;q=0.8",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        ] {
            assert_eq!(chosen(accept), Some(Format::Html), "{accept}");
        }
        assert_eq!(chosen("text/html;q=0.9, */*"), Some(Format::Text));
        assert_eq!(negotiate(&[b"text/html"], Format::DATA), None);
    }

    #[test]
    fn the_most_specific_range_decides() {
        assert_eq!(chosen("text/plain;q=0, */*"), Some(Format::Json));
        assert_eq!(chosen("text/plain;q=0.1, application/json;q=0.5, text/*;q=0.3"), Some(Format::Json));
    }

    #[test]
    fn unacceptable_formats_are_not_chosen() {
        for accept in ["image/png", "*/*;q=0", "application/json;q=0", "application/problem+json"] {
            assert_eq!(chosen(accept), None, "{accept}");
        }
    }

    #[test]
    fn a_profile_is_pprof_unless_the_client_prefers_another_format() {
        for (accept, expected) in [
            ("*/*", Some(Format::Pprof)),
            ("text/plain", Some(Format::Text)),
            ("application/json", Some(Format::Json)),
            ("text/html, */*;q=0.8", Some(Format::Pprof)),
            ("image/png", None),
        ] {
            assert_eq!(negotiate(&[accept.as_bytes()], Format::PROFILE), expected, "{accept}");
        }
    }

    #[test]
    fn several_headers_count_as_one() {
        assert_eq!(negotiate(&[b"image/png", b"application/json"], Format::PAGE), Some(Format::Json));
    }

    #[test]
    fn errors_are_json_when_the_client_prefers_or_names_json() {
        for (query, accept, expected) in [
            (None, "*/*", Format::Text),
            (None, "image/png", Format::Text),
            (None, "application/json", Format::Json),
            (None, "application/problem+json", Format::Json),
            (Some("format=json"), "*/*", Format::Json),
            (Some("format=text"), "application/json", Format::Text),
            (Some("format=xml"), "application/json", Format::Json),
            (Some("top=%%%&format=json"), "*/*", Format::Json),
        ] {
            assert_eq!(negotiate_problem(query, &[accept.as_bytes()]), expected, "{query:?} {accept}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(values: Vec<Vec<u8>>) {
            let values: Vec<_> = values.iter().map(Vec::as_slice).collect();
            negotiate(&values, Format::PAGE);
            negotiate_problem(None, &values);
        }

        #[test]
        fn no_list_of_ranges_panics(value in "[a-z*/;=,.0-9 q]{0,80}") {
            negotiate(&[value.as_bytes()], Format::PROFILE);
        }
    }
}
