//! Lists of instances in Prometheus's format: `[{"targets": ["host:port"], "labels": {…}}]`.
//!
//! Two labels have a meaning: `__scheme__`, and `__memory_debug_path__` for the path of the page. A list decides which
//! hosts get the password. So nothing in a list can allow plain HTTP to other machines: only `--insecure` can.

use std::collections::HashMap;
use std::path::Path;

use memory_debug_report::MissingReason;
use serde::Deserialize;

use super::{Discovery, Found};
use crate::client::Client;
use crate::failure::Failure;
use crate::input;

/// The longest list that is read.
const MAX_BYTES: u64 = 4 << 20;

/// One element of the list.
#[derive(Debug, Deserialize)]
struct TargetGroup {
    targets: Vec<String>,
    #[serde(default)]
    labels: HashMap<String, String>,
}

/// Adds the instances that a file lists.
pub(super) fn from_file(path: &Path, discovery: &Discovery, found: &mut Found) -> Result<(), Failure> {
    let failed = |what: String| Failure::local(format!("--targets-file {}: {what}", path.display()));
    let content = input::read(path, MAX_BYTES).map_err(|failure| failed(failure.message))?;
    let text = String::from_utf8(content).map_err(|_| failed("is not UTF-8 text".into()))?;
    if text.trim_start().starts_with(['[', '{']) {
        return add_groups(text.as_bytes(), discovery, found).map_err(failed);
    }
    if text.lines().any(|line| line.trim_start().starts_with("- targets")) {
        return Err(failed("is YAML; write it as JSON, or one address per line".into()));
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.for_each(|line| found.add_text(line, &|line| discovery.complete(line, None, None)));
    Ok(())
}

/// Adds the instances that a URL lists.
pub(super) fn from_url(
    url: &str,
    client: &Client,
    discovery: &Discovery,
    found: &mut Found,
) -> Result<(), Failure> {
    let body = client.clone().max_body_bytes(MAX_BYTES).anonymous(url)?;
    add_groups(&body, discovery, found)
        .map_err(|what| Failure::new(MissingReason::NoReport, format!("--http-sd {url}: {what}")))
}

fn add_groups(json: &[u8], discovery: &Discovery, found: &mut Found) -> Result<(), String> {
    let groups: Vec<TargetGroup> = serde_json::from_slice(json)
        .map_err(|error| format!("is not a list of targets ([{{\"targets\": [\"host:port\"]}}]): {error}"))?;
    for group in groups {
        let label = |name: &str| group.labels.get(name).map(String::as_str);
        let (scheme, path) = (label("__scheme__"), label("__memory_debug_path__"));
        for target in &group.targets {
            found.add_text(target, &|target| discovery.complete(target, scheme, path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::discovery;
    use super::*;

    fn found(json: &str) -> Result<Found, String> {
        let mut found = Found::default();
        add_groups(json.as_bytes(), &discovery(&[]), &mut found).map(|()| found)
    }

    #[test]
    fn groups_have_targets_and_labels() {
        let found = found(
            r#"[{"targets": ["a:1", "b:2"]},
                {"targets": ["c:3"], "labels": {"__scheme__": "https", "__memory_debug_path__": "/m", "job": "x"}}]"#,
        );
        let shown: Vec<_> = found.unwrap().targets.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["http://a:1", "http://b:2", "https://c:3/m"]);
    }

    #[test]
    fn bad_address_does_not_affect_other_addresses() {
        let found =
            found(r#"[{"targets": ["a:1", "ops:pw@b", "file:///etc/passwd", "c d", "e:1?x=y"]}]"#).unwrap();
        assert_eq!((found.targets.len(), found.missing.len()), (1, 4));
        assert!(found.missing.iter().all(|missing| missing.reason == MissingReason::Address));
    }

    #[test]
    fn message_about_malformed_list_shows_the_format() {
        for json in ["", "{}", "[1]", r#"[{"targets": "a"}]"#, "<html>"] {
            assert!(found(json).unwrap_err().contains("[{\"targets\": [\"host:port\"]}]"), "{json}");
        }
    }
}
