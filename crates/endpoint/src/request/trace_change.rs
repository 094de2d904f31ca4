//! A start or a stop of the tracer, read from a request.

use std::time::Duration;

use serde::Deserialize;

use super::json_object::{self, unparsable};
use super::query::Query;
use crate::reply::Problem;

/// The longest time that a request may let the tracer count, in seconds.
const MOST_SECONDS: u64 = 600;

/// A start or a stop of the tracer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceChange {
    /// Forget what was counted, and count for this time.
    Start(Duration),
    /// Stop counting.
    Stop,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    seconds: Option<u64>,
    stop: Option<bool>,
}

impl TraceChange {
    /// The fields in a form.
    pub(crate) const FIELDS: &'static [&'static str] = &["seconds", "stop"];

    /// Reads `{"seconds":30}` or `{"stop":true}`.
    ///
    /// # Errors
    ///
    /// If the body is neither.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Problem> {
        json_object::read::<Fields>(body, "{\"seconds\":30}")?.change()
    }

    /// Reads the same fields from a form.
    ///
    /// # Errors
    ///
    /// If the form describes no change.
    pub(crate) fn read_form(form: &mut Query) -> Result<Self, Problem> {
        let stop = form.one_of("stop", &[("true", true)]);
        Fields { seconds: form.any_number("seconds"), stop }.change()
    }
}

impl Fields {
    fn change(self) -> Result<TraceChange, Problem> {
        match self {
            Self { seconds: Some(seconds @ 1..=MOST_SECONDS), stop: None } => {
                Ok(TraceChange::Start(Duration::from_secs(seconds)))
            }
            Self { seconds: None, stop: Some(true) } => Ok(TraceChange::Stop),
            Self { seconds: Some(_), stop: None } => {
                Err(unparsable(&format!("seconds must be a number from 1 to {MOST_SECONDS}")))
            }
            _ => Err(unparsable(&"either `seconds` starts the tracer or `stop`, which is `true`, stops it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s69_a_body_starts_for_a_limited_time_or_stops() {
        let start = |seconds| TraceChange::Start(Duration::from_secs(seconds));
        for (body, change) in [
            ("{\"seconds\":1}", start(1)),
            (" {\"stop\":null, \"seconds\":600}\n", start(600)),
            ("{\"stop\":true}", TraceChange::Stop),
            ("{\"seconds\":null,\"stop\":true}", TraceChange::Stop),
        ] {
            assert_eq!(TraceChange::read(body.as_bytes()), Ok(change), "{body}");
        }
    }

    #[test]
    fn s26_s69_a_start_without_a_limit_is_refused_and_so_is_every_other_body() {
        for (body, named) in [
            ("", "is empty; send an object like `{\"seconds\":30}`"),
            ("[30,true]", "is not a JSON object"),
            ("seconds=30", "is not a JSON object"),
            ("{}", "either `seconds` starts"),
            ("{\"stop\":false}", "either `seconds` starts"),
            ("{\"seconds\":30,\"stop\":true}", "either `seconds` starts"),
            ("{\"seconds\":30,\"stop\":false}", "either `seconds` starts"),
            ("{\"seconds\":0}", "from 1 to 600"),
            ("{\"seconds\":601}", "from 1 to 600"),
            ("{\"seconds\":18446744073709551615}", "from 1 to 600"),
            ("{\"seconds\":18446744073709551616}", "expected u64"),
            ("{\"seconds\":1.5}", "expected u64"),
            ("{\"seconds\":-1}", "expected u64"),
            ("{\"seconds\":\"30\"}", "expected u64"),
            ("{\"seconds\":30,\"seconds\":30}", "duplicate field"),
            ("{\"seconds\":30,\"forever\":true}", "unknown field `forever`"),
            ("{\"seconds\":30}{}", "trailing characters"),
        ] {
            match TraceChange::read(body.as_bytes()) {
                Err(Problem::InvalidBody { reason }) => assert!(reason.contains(named), "{body}: {reason}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }
}
