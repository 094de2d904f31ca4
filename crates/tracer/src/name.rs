//! The names of nodes: constants of the program, and methods with patterns.

use std::hash::{Hash, Hasher};

use memory_debug_core::known_method;

/// The name of requests that no route matched.
const NO_ROUTE: &str = "(no route)";

/// A route as a node shows it: method and matched pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteLabel<'a> {
    pub(crate) method: &'static str,
    pub(crate) pattern: &'a str,
}

impl<'a> RouteLabel<'a> {
    /// The label of a route: `GET /items/{id}`.
    ///
    /// `pattern` is the pattern that the router matched, or `None` if it matched none.
    ///
    /// # Security
    ///
    /// Never pass the path of the request, which may hold secrets. Methods that HTTP does not define become
    /// `(other method)`, because a client can choose them.
    #[must_use]
    pub fn new(method: &str, pattern: Option<&'a str>) -> Self {
        Self { method: known_method(method), pattern: pattern.unwrap_or(NO_ROUTE) }
    }
}

/// A name that may end with the call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name<'a> {
    Static(&'static str),
    Route(RouteLabel<'a>),
}

/// A name that a node keeps.
#[derive(Debug)]
pub(crate) enum KeptName {
    Static(&'static str),
    Route { method: &'static str, pattern: Box<str> },
}

impl Name<'_> {
    pub(crate) fn keep(&self) -> KeptName {
        match *self {
            Self::Static(name) => KeptName::Static(name),
            Self::Route(label) => KeptName::Route { method: label.method, pattern: label.pattern.into() },
        }
    }
}

/// Compares two constants of the program. Equal ones are nearly always the same one.
#[inline]
pub(crate) fn are_equal(one: &'static str, other: &'static str) -> bool {
    std::ptr::eq(one, other) || one == other
}

impl KeptName {
    #[inline]
    pub(crate) fn is(&self, name: &Name<'_>) -> bool {
        match (self, name) {
            (Self::Static(own), Name::Static(name)) => are_equal(own, name),
            (Self::Route { method, pattern }, Name::Route(label)) => {
                **pattern == *label.pattern && are_equal(method, label.method)
            }
            _ => false,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Static(name) => (*name).to_owned(),
            Self::Route { method, pattern } => format!("{method} {pattern}"),
        }
    }
}

/// Two names that [`KeptName::is`] calls equal have one hash.
impl Hash for Name<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Static(name) => state.write(name.as_bytes()),
            Self::Route(label) => {
                state.write(label.method.as_bytes());
                state.write(label.pattern.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s61_s68_a_method_that_http_does_not_define_is_not_shown() {
        let name = Name::Route(RouteLabel::new("SECRET", Some("/items/{id}"))).keep();
        assert_eq!(name.text(), "(other method) /items/{id}");
    }

    #[test]
    fn a_request_without_a_route_says_so() {
        assert_eq!(Name::Route(RouteLabel::new("GET", None)).keep().text(), "GET (no route)");
    }

    #[test]
    fn a_kept_name_is_found_by_an_equal_one() {
        let route = |method, pattern| Name::Route(RouteLabel::new(method, Some(pattern)));
        let kept = route("GET", "/a").keep();
        let elsewhere = String::from("/a");
        assert!(kept.is(&route("GET", &elsewhere)));
        assert!(
            !kept.is(&route("PUT", "/a"))
                && !kept.is(&route("GET", "/b"))
                && !kept.is(&Name::Static("GET /a"))
        );
        assert!(KeptName::Static("load").is(&Name::Static("load")));
    }
}
