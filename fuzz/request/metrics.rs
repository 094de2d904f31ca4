//! The documented reply to a scraper.

use super::{Expected, Who, decoded, is_for_another, preferred};
use crate::ROWS;
use crate::input::{Sent, Settings};

pub(super) fn expected(settings: Settings, sent: &Sent, who: Who) -> Expected {
    if sent.method != "GET" && sent.method != "HEAD" {
        return Expected::Problem(405, "method not allowed");
    }
    let Some(Query { is_openmetrics, force, types, for_another }) =
        Query::read(sent.query.as_deref().unwrap_or(""))
    else {
        return Expected::Problem(400, "invalid parameter");
    };
    if for_another {
        return Expected::Problem(421, "wrong instance");
    }
    let by_accept =
        || preferred(sent, &[("text", "plain"), ("application", "openmetrics-text")]).map(|at| at == 1);
    let Some(is_openmetrics) = is_openmetrics.or_else(by_accept) else {
        return Expected::Problem(406, "not acceptable");
    };
    let needs_profile = force || types > 0 && settings.types_need_profile;
    if who == Who::Peer || who == Who::Reader && needs_profile {
        return Expected::Problem(403, "forbidden role");
    }
    Expected::Metrics { is_openmetrics, types: (types > 0).then(|| largest(types)) }
}

/// The names of the types with their own series, and the name for all other types.
fn largest(types: usize) -> Vec<&'static str> {
    let mut rows = ROWS;
    rows.sort_by_key(|(name, _, bytes)| (u64::MAX - bytes, *name));
    rows.iter().take(types).map(|(name, ..)| *name).chain(["other"]).collect()
}

#[derive(Default)]
struct Query {
    is_openmetrics: Option<bool>,
    force: bool,
    types: usize,
    for_another: bool,
}

impl Query {
    /// Reads the query, or returns `None` if it is invalid.
    fn read(query: &str) -> Option<Self> {
        let pairs = query.split('&').filter(|_| !query.is_empty());
        let pairs: Vec<(&str, &str)> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        let count = |name: &str| pairs.iter().filter(|(known, _)| *known == name).count();
        if query.len() > 4096 || pairs.iter().any(|(name, _)| count(name) > 1) {
            return None;
        }
        let mut read = Self::default();
        for (name, value) in &pairs {
            let value = decoded(value)?;
            match (*name, value.as_str()) {
                ("format", "prometheus") => read.is_openmetrics = Some(false),
                ("format", "openmetrics") => read.is_openmetrics = Some(true),
                ("force", "true") => read.force = true,
                ("force", "false") => {}
                ("instance", id) => read.for_another = is_for_another(id)?,
                ("types", digits) => {
                    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
                    let digits = is_number.then(|| digits.trim_start_matches('0'))?;
                    read.types = (1..=3).contains(&digits.len()).then(|| digits.parse().ok())??;
                    if read.types > 200 {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        Some(read)
    }
}
