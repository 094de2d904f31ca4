//! A change of the profiler, read from a request.

use memory_debug_core::{
    Collector, InstanceId, ProfilingChange, ProfilingFields, ProfilingRefusal, ProfilingStatus,
};

use crate::audit;
use crate::collect;
use crate::reply::Problem;
use crate::request::if_match::IfMatch;
use crate::request::json_object::{self, unparsable};
use crate::request::query::Query;

/// A version that no state has: counting this far takes longer than any process lives.
const NO_VERSION: u64 = u64::MAX;

/// The field of a form with the value of the header of this name.
const IF_MATCH: &str = "if_match";

/// A change of the profiler, the user who wants it, and the states that it applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    profiling: ProfilingChange,
    if_match: IfMatch,
    /// The user. Equal changes by two users are made separately, because the audit log records each user.
    user: String,
}

fn parse(body: &[u8]) -> Result<ProfilingChange, Problem> {
    json_object::read(body, "{\"active\":true,\"for_seconds\":300}")
}

/// Reads the same fields from a form.
fn from_form(form: &mut Query) -> Result<ProfilingChange, Problem> {
    let active = form.one_of("active", &[("true", true), ("false", false)]);
    let (for_seconds, sample_bytes) = (form.any_number("for_seconds"), form.any_number("sample_bytes"));
    let active = active.ok_or_else(|| unparsable(&"missing field `active`"))?;
    let fields = ProfilingFields { active, for_seconds, sample_bytes };
    fields.try_into().map_err(|error: memory_debug_core::Error| unparsable(&error))
}

impl Change {
    /// The fields of a change in a form. The last one is the tag of the state that the client saw.
    pub(crate) const FIELDS: &'static [&'static str] = &["active", "for_seconds", "sample_bytes", IF_MATCH];

    /// Reads a change from the body of a request.
    ///
    /// # Errors
    ///
    /// If the body does not describe a change.
    pub(crate) fn read(body: &[u8], if_match: IfMatch, user: &str) -> Result<Self, Problem> {
        Ok(Self { profiling: parse(body)?, if_match, user: user.to_owned() })
    }

    /// Reads a change from a form. A browser cannot send `If-Match`, so the form has a field for it.
    ///
    /// # Errors
    ///
    /// If the form does not describe a change.
    pub(crate) fn read_form(form: &mut Query, if_match: IfMatch, user: &str) -> Result<Self, Problem> {
        let field = form.read(IF_MATCH, |tags| Ok(IfMatch::read(&[tags.as_bytes()])));
        if field.is_some() && if_match != IfMatch::Any {
            form.refuse(IF_MATCH, "cannot be combined with the header `If-Match`");
        }
        let profiling = from_form(form)?;
        Ok(Self { profiling, if_match: field.unwrap_or(if_match), user: user.to_owned() })
    }

    /// Makes the change. Takes a while, so only the collecting thread calls it.
    pub(crate) fn make(&self, process: &Collector) -> Result<ProfilingStatus, Problem> {
        let made = collect::set_profiling(process, self.profiling, self.version(process));
        let made = made.map_err(|refusal| problem(process, refusal));
        audit::profiling(
            &self.user,
            self.profiling,
            made.as_ref().map(|status| status.version).map_err(Problem::status),
        );
        made
    }

    /// The version that the state must have, if the request states a condition.
    fn version(&self, process: &Collector) -> Option<u64> {
        let IfMatch::Tags(tags) = &self.if_match else { return None };
        let current = process.profiling();
        let is_meant = tags.contains(&etag(current.instance.id, current.version));
        Some(if is_meant { current.version } else { NO_VERSION })
    }
}

/// The value of `ETag` for a state. It includes the instance, because versions start over in each process.
pub(crate) fn etag(instance: InstanceId, version: u64) -> String {
    format!("\"{instance}-{version}\"")
}

fn problem(process: &Collector, refusal: ProfilingRefusal) -> Problem {
    let reason = refusal.to_string();
    match refusal {
        ProfilingRefusal::NotBuilt(_) => Problem::NotBuiltIn(reason.into()),
        ProfilingRefusal::NotEnabled(_) => Problem::NoProfile(reason),
        ProfilingRefusal::VersionDiffers(version) => {
            Problem::VersionDiffers { reason, etag: etag(process.profiling().instance.id, version) }
        }
        ProfilingRefusal::OnByConfiguration => Problem::OnByConfiguration(reason),
        _ => Problem::ProfilingFailed(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(body: &[u8]) -> String {
        match parse(body).unwrap_err() {
            Problem::InvalidBody { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn s26_a_body_is_an_object_that_describes_a_change() {
        for (body, change) in [
            (&br#"{"active":false}"#[..], ProfilingChange::deactivate()),
            (b" \r\n\t{ \"active\" : false }\n", ProfilingChange::deactivate()),
            (br#"{"for_seconds":5,"active":true}"#, ProfilingChange::activate(5, None).unwrap()),
            (
                br#"{"active":true,"for_seconds":5,"sample_bytes":null}"#,
                ProfilingChange::activate(5, None).unwrap(),
            ),
            (
                br#"{"active":true,"for_seconds":5,"sample_bytes":4096}"#,
                ProfilingChange::activate(5, Some(4096)).unwrap(),
            ),
        ] {
            assert_eq!(parse(body), Ok(change), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn s26_the_defect_of_a_body_is_named() {
        for (body, named) in [
            (&b""[..], "is empty"),
            (b" \n", "is empty"),
            (b"[true,300]", "is not a JSON object"),
            (b"true", "is not a JSON object"),
            (b"active=true", "is not a JSON object"),
            (b"\xef\xbb\xbf{\"active\":false}", "is not a JSON object"),
            (b"{", "EOF while parsing an object at line 1 column 1"),
            (br#"{"active":false"#, "EOF while parsing"),
            (br#"{"active":false}{}"#, "trailing characters at line 1 column 17"),
            (br#"{"active":false,}"#, "trailing comma"),
            (b"{}", "missing field `active`"),
            (br#"{"active":1}"#, "invalid type: integer `1`, expected a boolean"),
            (br#"{"active":"true"}"#, "invalid type: string \\\"true\\\", expected a boolean"),
            (br#"{"active":true}"#, "for_seconds is missing"),
            (br#"{"active":true,"for_seconds":1.5}"#, "invalid type: floating point `1.5`, expected u64"),
            (br#"{"active":true,"for_seconds":3601}"#, "for_seconds must be a number from 1 to 3600"),
            (br#"{"active":true,"for_seconds":99999999999999999999}"#, "expected u64"),
            (br#"{"active":false,"active":false}"#, "duplicate field `active`"),
            (br#"{"active":true,"for_seconds":1,"for_seconds":1}"#, "duplicate field `for_seconds`"),
            (br#"{"active":false,"for\u005fseconds":1,"for_seconds":1}"#, "duplicate field `for_seconds`"),
            (br#"{"active":false,"Active":true}"#, "unknown field `Active`"),
            (b"{\"active\":\xff}", "expected value"),
            (b"{\"\xff\":1}", "invalid unicode"),
        ] {
            assert!(reason(body).contains(named), "{}: {}", body.escape_ascii(), reason(body));
        }
    }

    #[test]
    fn s64_reasons_quote_a_body_short_and_printable() {
        let unknown = reason("{\"a\\r\\nb\\u001b[31m\u{202e}\":1}".as_bytes());
        assert!(unknown.contains(r"unknown field `a\r\nb\u{1b}[31m\u{202e}`"), "{unknown}");
        let long = reason(format!("{{\"{}\":1}}", "x".repeat(10_000)).as_bytes());
        assert!(long.len() < 250 && long.ends_with("..."), "{long}");
    }

    #[test]
    fn s26_deep_nesting_is_harmless() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let (open, close) = (open.repeat(2000), close.repeat(2000));
            for field in ["active", "unknown"] {
                let body = format!("{{\"{field}\":{open}1{close}}}");
                assert!(parse(body.as_bytes()).is_err());
            }
        }
    }

    #[test]
    fn a_conditional_change_applies_only_to_the_state_that_the_client_saw() {
        let process = Collector::new();
        let status = process.profiling();
        let version = |if_match| {
            let (profiling, user) = (ProfilingChange::deactivate(), "ops".to_owned());
            Change { profiling, if_match, user }.version(&process)
        };
        assert_eq!(version(IfMatch::Any), None);
        let seen = etag(status.instance.id, status.version);
        assert_eq!(version(IfMatch::Tags(vec!["\"x\"".to_owned(), seen])), Some(status.version));
        let later = etag(status.instance.id, status.version + 1);
        for tags in [vec![], vec![later]] {
            assert_eq!(version(IfMatch::Tags(tags.clone())), Some(NO_VERSION), "{tags:?}");
        }
    }

    #[test]
    fn each_refusal_has_its_status() {
        let process = Collector::new();
        let reason = || "because".to_owned();
        for (refusal, status) in [
            (ProfilingRefusal::NotBuilt(reason()), 501),
            (ProfilingRefusal::NotEnabled(reason()), 503),
            (ProfilingRefusal::VersionDiffers(7), 409),
            (ProfilingRefusal::OnByConfiguration, 409),
            (ProfilingRefusal::Failed(reason()), 500),
        ] {
            assert_eq!(problem(&process, refusal.clone()).status(), status, "{refusal:?}");
        }
        let differs = problem(&process, ProfilingRefusal::VersionDiffers(7));
        let id = process.profiling().instance.id;
        assert_eq!(differs.etag(), Some(&*format!("\"{id}-7\"")));
    }
}
