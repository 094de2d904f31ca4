//! Reads the body of a request as one JSON object.

use std::fmt::Display;

use serde::de::DeserializeOwned;

use crate::escape::Escaped;
use crate::reply::Problem;

/// Maximum length of a parser's reason, in characters. The reason may quote the body.
const MAX_REASON_CHARS: usize = 200;

/// Reads a value from JSON. `example` is an object that can be sent.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Problem> {
    match body.trim_ascii_start().first() {
        Some(b'{') => {}
        // A derived parser would take an array of the fields too.
        Some(_) => return Err(Problem::invalid_body("is not a JSON object")),
        None => return Err(Problem::invalid_body(format!("is empty; send an object like `{example}`"))),
    }
    serde_json::from_slice(body).map_err(|error| unparsable(&error))
}

/// The problem of a body that does not describe a change. The reason may quote a name or a string from the body.
pub(super) fn unparsable(error: &dyn Display) -> Problem {
    let reason = error.to_string();
    Problem::invalid_body(format!("cannot be parsed: {}", Escaped::new(&reason, MAX_REASON_CHARS)))
}
