//! Reasons for values that could not be measured.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// Reasons why values of a report are `None`, keyed by path (`process.uss_bytes`), one sentence each.
///
/// A section that is missing as a whole has one entry under its own path (`allocator`); its values have no entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unavailable(BTreeMap<String, String>);

impl Unavailable {
    /// The reason noted for `path`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// All paths with their reasons, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, reason)| (path.as_str(), reason.as_str()))
    }

    /// Whether no value is missing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes why the value at `path` is missing.
    pub fn note(&mut self, path: impl Into<String>, reason: impl Display) {
        self.0.insert(path.into(), reason.to_string());
    }

    /// Turns a failed measurement into `None` and notes the reason.
    pub fn keep<T, E: Display>(&mut self, path: &str, measured: Result<T, E>) -> Option<T> {
        measured.inspect_err(|reason| self.note(path, reason)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_measurement_becomes_none_with_a_reason() {
        let mut unavailable = Unavailable::default();
        assert_eq!(unavailable.keep("a", Ok::<_, &str>(7)), Some(7));
        assert_eq!(unavailable.keep("b", Err::<u64, _>("b: permission denied")), None);
        assert_eq!(unavailable.get("a"), None);
        assert_eq!(unavailable.get("b"), Some("b: permission denied"));
    }
}
