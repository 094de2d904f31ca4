//! The place of a page below the base path, and links from there to other pages.

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The place of a page, and the login that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The last segment of the base path.
    base: String,
    /// The path of the page below the base: empty, or beginning with `/`.
    path: String,
    /// The name of the login.
    user: String,
    /// The role of the login.
    role: &'static str,
    /// Whether the service has a monitor.
    has_monitor: bool,
    /// Whether the service has a tracer.
    has_tracer: bool,
    /// The sections of a document without a service. `None` if a service answers.
    sections: Option<Vec<&'static str>>,
    /// Pages that the service was built without.
    absent: &'static [&'static str],
}

impl Site {
    /// The page at `path` below `base`. `path` is empty or begins with `/`.
    pub fn new(base: &str, path: &str, user: &str, role: &'static str) -> Self {
        let base = base.rsplit('/').next().unwrap_or_default();
        Self {
            base: base.to_owned(),
            path: path.to_owned(),
            user: user.to_owned(),
            role,
            has_monitor: false,
            has_tracer: false,
            sections: None,
            absent: &[],
        }
    }

    /// The same place, in a service that was built without the pages at `absent`. Nothing links to them.
    #[must_use]
    pub fn without(self, absent: &'static [&'static str]) -> Self {
        Self { absent, ..self }
    }

    /// The same page of a service with a monitor.
    #[must_use]
    pub fn with_monitor(self) -> Self {
        Self { has_monitor: true, ..self }
    }

    /// Whether the service has a monitor.
    pub(crate) fn has_monitor(&self) -> bool {
        self.has_monitor
    }

    /// The same page of a service with a tracer.
    #[must_use]
    pub fn with_tracer(self) -> Self {
        Self { has_tracer: true, ..self }
    }

    /// Whether the service has a tracer.
    pub(crate) fn has_tracer(&self) -> bool {
        self.has_tracer
    }

    /// A document that has pages as its sections, and no service. Links lead to these sections; the first stands for
    /// every page that the document does not have.
    pub(crate) fn document(sections: Vec<&'static str>) -> Self {
        Self { sections: Some(sections), ..Self::new("", "", "", "read") }
    }

    /// Whether `target` can be opened: the service has it, or the document has exactly this section.
    pub(crate) fn has_page(&self, target: &str) -> bool {
        match &self.sections {
            Some(sections) => sections.iter().any(|section| target == format!("/{section}")),
            None => !self.absent.iter().any(|absent| target.starts_with(absent)),
        }
    }

    /// The path of the page below the base.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The login: `ops, profile`.
    pub(crate) fn login(&self) -> String {
        format!("{}, {}", self.user, self.role)
    }

    /// Whether the login may change something.
    pub(crate) fn may_change(&self) -> bool {
        self.role == "profile"
    }

    /// A relative link to the page at `target` below the base. `target` is empty or begins with `/`, and can have a
    /// query.
    ///
    /// A relative link stays right if a proxy adds a prefix to the path. It does not if a proxy renames the last
    /// segment of the base path.
    pub fn link(&self, target: &str) -> String {
        if let Some(sections) = &self.sections {
            return anchor(sections, target);
        }
        let depth = self.path.matches('/').count();
        match (depth, target.strip_prefix('/')) {
            // A first segment with a colon would be the scheme of an absolute link.
            (0, _) => format!("./{}{target}", self.base),
            (_, Some(below)) => format!("{}{below}", up(depth - 1)),
            (_, None) => format!("{}{}{target}", up(depth), self.base),
        }
    }

    /// The element that leads to the page at `target` and shows `text`.
    pub(crate) fn a(&self, target: &str, text: &str) -> Markup {
        html! { a href=(self.link(target)) { (text) } }
    }

    /// A link as [`link`](Self::link) makes it, with parameters.
    pub(crate) fn link_with(&self, target: &str, parameters: &[(&str, String)]) -> String {
        let mut link = self.link(target);
        if self.sections.is_some() {
            return link;
        }
        for (index, (name, value)) in parameters.iter().enumerate() {
            let before = if index == 0 { '?' } else { '&' };
            link = format!("{link}{before}{name}={}", utf8_percent_encode(value, ENCODED));
        }
        link
    }
}

/// All characters except those that RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The link to the section for the page at `target`.
fn anchor(sections: &[&'static str], target: &str) -> String {
    let name = target.trim_start_matches('/').split(['/', '?', '#']).next();
    let section = sections.iter().find(|section| Some(**section) == name).or_else(|| sections.first());
    format!("#{}", section.copied().unwrap_or_default())
}

fn up(steps: usize) -> String {
    if steps == 0 { "./".to_owned() } else { "../".repeat(steps) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Resolves a relative link against the path of a page, as browsers do (RFC 3986, section 5.2).
    fn resolve(page: &str, link: &str) -> String {
        let mut segments: Vec<&str> = page.split('/').collect();
        segments.pop();
        for segment in link.split('/') {
            match segment {
                "." => {}
                ".." => drop(segments.pop()),
                segment => segments.push(segment),
            }
        }
        segments.join("/")
    }

    #[test]
    fn links_lead_from_every_depth_to_every_depth() {
        for (path, target, link) in [
            ("", "", "./memory"),
            ("", "/types?top=5", "./memory/types?top=5"),
            ("/types", "", "../memory"),
            ("/types", "?top=5", "../memory?top=5"),
            ("/types", "/leaks", "./leaks"),
            ("/snapshots/7", "/types", "../types"),
            ("/snapshots/7", "", "../../memory"),
        ] {
            assert_eq!(Site::new("/debug/memory", path, "ops", "read").link(target), link, "{path} {target}");
        }
    }

    #[test]
    fn parameters_are_encoded() {
        let site = Site::new("/debug/memory", "/types", "ops", "read");
        assert_eq!(site.link_with("/types", &[]), "./types");
        let parameters = [("filter", "Vec<a&b>".to_owned()), ("top", "20".to_owned())];
        assert_eq!(site.link_with("/types", &parameters), "./types?filter=Vec%3Ca%26b%3E&top=20");
    }

    #[test]
    fn links_of_a_document_lead_to_its_sections_only() {
        let site = Site::document(vec!["overview", "types"]);
        for (target, link) in [
            ("", "#overview"),
            ("/types", "#types"),
            ("/types?sort=name", "#types"),
            ("/types/0123", "#types"),
            ("/leaks", "#overview"),
            ("?top=5", "#overview"),
        ] {
            assert_eq!(site.link(target), link, "{target}");
        }
        assert_eq!(site.link_with("/types", &[("filter", "x".to_owned())]), "#types");
        assert!(site.has_page("/types") && !site.has_page("/types/0123") && !site.has_page("/leaks"));
        assert!(!site.may_change());
        assert!(Site::new("/debug/memory", "/types", "ops", "read").has_page("/types/0123"));
    }

    proptest! {
        #[test]
        fn a_link_leads_to_its_target_behind_any_prefix(
            prefix in "(/[a-z:]{1,4}){0,3}",
            base in "(/[a-z:@.~]{1,6}x){1,2}",
            path in "(/[a-z0-9]{1,5}){0,3}",
            target in "(/[a-z0-9]{1,5}){0,3}",
        ) {
            let site = Site::new(&base, &path, "ops", "read");
            let page = format!("{prefix}{base}{path}");
            prop_assert_eq!(resolve(&page, &site.link(&target)), format!("{prefix}{base}{target}"));
        }
    }
}
