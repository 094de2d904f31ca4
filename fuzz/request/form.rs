//! The expected reply to a form that changes the profiler, once it is authorized and does not come from another site.

use super::change::{has_type, is_plain, is_too_long, query};
use super::{Expected, Who, decoded, negotiated_page, values};
use crate::input::Sent;

const FIELD: Option<&str> = Some("invalid parameter");
const BODY: Option<&str> = Some("invalid body");

pub(super) fn expected(sent: &Sent, who: Who) -> Expected {
    let Some((format, is_for_another)) = query(sent.query.as_deref().unwrap_or_default(), true) else {
        return Expected::Problem(400, "invalid parameter");
    };
    if is_for_another {
        return Expected::Problem(421, "wrong instance");
    }
    if format.or_else(|| negotiated_page(sent)).is_none() {
        return Expected::Problem(406, "not acceptable");
    }
    if who != Who::Ops {
        return Expected::Problem(403, "forbidden role");
    }
    if !has_type(sent, "application/x-www-form-urlencoded") || !is_plain(sent) {
        return Expected::Problem(415, "unsupported body");
    }
    if is_too_long(sent) {
        return Expected::Problem(413, "body too large");
    }
    let body = sent.body.concat();
    let (fields, unreadable) = read(&body);
    match defect(sent, &fields, unreadable) {
        Some(title) => Expected::Problem(400, title),
        // The collector of this target is fake and cannot change the profiler.
        None => Expected::Problem(501, "not built in"),
    }
}

/// The fields until the first that cannot be read, and the title of its error.
fn read(body: &[u8]) -> (Vec<(&str, String)>, Option<&'static str>) {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for pair in body.split(|&byte| byte == b'&').filter(|_| !body.is_empty()) {
        let Ok(pair) = std::str::from_utf8(pair) else { return (fields, BODY) };
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_known = ["active", "for_seconds", "sample_bytes", "if_match"].contains(&name);
        if is_known && value.is_empty() {
            continue;
        }
        let is_new = fields.iter().all(|(other, _)| *other != name);
        match decoded(value).filter(|_| is_known && is_new) {
            Some(value) => fields.push((name, value)),
            None => return (fields, FIELD),
        }
    }
    (fields, None)
}

/// The title of the first defect. Wrong values come before the field that cannot be read, and both before a wrong
/// combination.
fn defect(sent: &Sent, fields: &[(&str, String)], unreadable: Option<&'static str>) -> Option<&'static str> {
    let named =
        |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    let number = |name| {
        let text = named(name)?;
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        Some(text.parse::<u64>().ok().filter(|_| is_digits))
    };
    let (seconds, bytes) = (number("for_seconds"), number("sample_bytes"));
    let is_wrong = matches!(named("active"), Some(text) if text != "true" && text != "false");
    if is_wrong || seconds == Some(None) || bytes == Some(None) {
        return FIELD;
    }
    if unreadable.is_some() {
        return unreadable;
    }
    if named("if_match").is_some() && !is_any(sent) {
        return FIELD;
    }
    let is_change = match (named("active"), seconds.flatten(), bytes.flatten()) {
        (Some("true"), Some(1..=3600), None) => true,
        (Some("true"), Some(1..=3600), Some(bytes)) => (12..=30).any(|lg| bytes == 1 << lg),
        (Some("false"), None, None) => true,
        _ => false,
    };
    if is_change { None } else { BODY }
}

/// Whether the header `If-Match` states no condition.
fn is_any(sent: &Sent) -> bool {
    match *values(sent, "if-match") {
        [] => true,
        [value] => value.trim_ascii() == b"*",
        _ => false,
    }
}
