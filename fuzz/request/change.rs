//! The expected reply to a request that changes the profiler, once it is authorized and does not come from another
//! site.

use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use super::{Expected, Who, negotiated, values};
use crate::input::Sent;

pub(super) fn expected(sent: &Sent, who: Who) -> Expected {
    let Some((format, is_for_another)) = query(sent.query.as_deref().unwrap_or_default(), false) else {
        return Expected::Problem(400, "invalid parameter");
    };
    if is_for_another {
        return Expected::Problem(421, "wrong instance");
    }
    if format.or_else(|| negotiated(sent)).is_none() {
        return Expected::Problem(406, "not acceptable");
    }
    if who != Who::Ops {
        return Expected::Problem(403, "forbidden role");
    }
    if !has_type(sent, "application/json") || !is_plain(sent) {
        return Expected::Problem(415, "unsupported body");
    }
    if is_too_long(sent) {
        return Expected::Problem(413, "body too large");
    }
    if !is_change(&sent.body.concat()) {
        return Expected::Problem(400, "invalid body");
    }
    // The collector of this target is fake and cannot change the profiler.
    Expected::Problem(501, "not built in")
}

/// Whether the format is JSON, if the query has a format, and whether it addresses another process. `None` if the
/// query is invalid. `has_html` says that the page has that format, too.
pub(super) fn query(query: &str, has_html: bool) -> Option<(Option<bool>, bool)> {
    if query.len() > 4096 {
        return None;
    }
    let (mut format, mut instance) = (None, None);
    for pair in query.split('&').filter(|_| !query.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = super::decoded(value)?;
        let is_twice = match (name, value.as_str()) {
            ("format", "json") => format.replace(true).is_some(),
            ("format", "text") => format.replace(false).is_some(),
            ("format", "html") if has_html => format.replace(false).is_some(),
            ("instance", id) => instance.replace(super::is_for_another(id)?).is_some(),
            _ => return None,
        };
        if is_twice {
            return None;
        }
    }
    Some((format, instance == Some(true)))
}

/// Whether the head declares a body that is too long, or the body is.
pub(super) fn is_too_long(sent: &Sent) -> bool {
    let is_long = values(sent, "content-length").into_iter().any(|length| {
        let digits = String::from_utf8_lossy(length);
        let digits = digits.trim_matches(|c: char| c.is_ascii_whitespace());
        let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_number && digits.parse::<f64>().is_ok_and(|length| length > 16384.0)
    });
    is_long || sent.body.concat().len() > 16384 || sent.body.len() > 16384
}

pub(super) fn has_type(sent: &Sent, wanted: &str) -> bool {
    let [value] = *values(sent, "content-type") else { return false };
    let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
    let name = String::from_utf8_lossy(&value[..end]).to_ascii_lowercase();
    name.trim_matches(|c: char| c.is_ascii_whitespace()) == wanted
}

pub(super) fn is_plain(sent: &Sent) -> bool {
    values(sent, "content-encoding").iter().all(|value| {
        let value = String::from_utf8_lossy(value).to_ascii_lowercase();
        value.split(',').all(|coding| coding.trim_matches(|c: char| c.is_ascii_whitespace()) == "identity")
    })
}

/// Whether the body is a change: an object with `active`. If it is true, a time is required; otherwise no other field
/// is allowed.
fn is_change(body: &[u8]) -> bool {
    let mut json = serde_json::Deserializer::from_slice(body);
    let Ok(fields) = json.deserialize_map(Fields) else { return false };
    let named = |wanted: &str| -> Vec<&Value> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).collect()
    };
    let known = ["active", "for_seconds", "sample_bytes"];
    let is_known = fields.iter().all(|(name, _)| known.contains(&name.as_str()));
    if json.end().is_err() || !is_known || known.iter().any(|name| named(name).len() > 1) {
        return false;
    }
    // A field that is null counts as absent.
    let number =
        |name: &str| named(name).first().copied().filter(|value| !value.is_null()).map(Value::as_u64);
    match (
        named("active").first().and_then(|value| value.as_bool()),
        number("for_seconds"),
        number("sample_bytes"),
    ) {
        (Some(true), Some(Some(1..=3600)), None) => true,
        (Some(true), Some(Some(1..=3600)), Some(Some(bytes))) => (12..=30).any(|lg| bytes == 1 << lg),
        (Some(false), None, None) => true,
        _ => false,
    }
}

/// The fields of an object, including repeated fields.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}
