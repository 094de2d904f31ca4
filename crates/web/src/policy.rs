//! What a browser may load and run for a page.

use std::sync::LazyLock;

use crate::assets::{Asset, flame_script, script, style_sheet};

static OF_PAGES: LazyLock<String> = LazyLock::new(|| policy(&[script()]));
static OF_FLAME_GRAPH: LazyLock<String> = LazyLock::new(|| policy(&[script(), flame_script()]));

/// The value of `Content-Security-Policy` for a page.
///
/// Scripts are named by their hashes, so no other file of the origin can become a script. All else that a page loads
/// comes from its own origin, and only the kinds that it needs. `trusted-types 'none'` forbids scripts to make HTML from
/// text.
pub fn content_security_policy() -> &'static str {
    &OF_PAGES
}

/// The policy of a document that contains its script, its style sheet and its icon, for a `<meta>`.
///
/// It may load nothing and send nothing. A `<meta>` cannot forbid frames.
pub(crate) fn of_document() -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; form-action 'none'; base-uri 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        script().integrity,
        style_sheet().integrity
    )
}

/// The value of `Content-Security-Policy` for the flame graph, the only page that runs a second script.
pub fn flame_graph_policy() -> &'static str {
    &OF_FLAME_GRAPH
}

/// The policy of a page that runs only `scripts`.
fn policy(scripts: &[&Asset]) -> String {
    let hashes: Vec<_> = scripts.iter().map(|script| format!("'{}'", script.integrity)).collect();
    format!(
        "default-src 'none'; script-src {}; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hashes.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s33_a_page_runs_only_its_own_script_and_loads_only_its_own_files() {
        let policy = content_security_policy();
        let hash = &script().integrity;
        assert_eq!(hash.len(), "sha256-".len() + 44);
        let mut directives: Vec<_> = policy.split("; ").collect();
        directives.sort_unstable();
        assert_eq!(
            directives,
            [
                "base-uri 'none'",
                "connect-src 'self'",
                "default-src 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "img-src 'self'",
                "require-trusted-types-for 'script'",
                &format!("script-src '{hash}'"),
                "style-src 'self'",
                "trusted-types 'none'",
            ]
        );
    }

    #[test]
    fn s33_only_the_flame_graph_runs_its_script() {
        let (page, flame) = (content_security_policy(), flame_graph_policy());
        let hashes = format!("'{}' '{}'", script().integrity, flame_script().integrity);
        assert!(flame.contains(&format!("script-src {hashes};")), "{flame}");
        assert_eq!(flame.replace(&hashes, &format!("'{}'", script().integrity)), page);
    }
}
