//! The path at which the endpoint is mounted.

use memory_debug_fleet::{DEFAULT_PATH, page_path_defect};

use crate::config_error::{ConfigError, ConfigErrorKind};

/// The path of the overview. Every other page is below it.
#[derive(Clone, Debug)]
pub(crate) struct BasePath {
    path: Box<str>,
    /// The position of the byte that [`may_hold`](Self::may_hold) checks.
    probe: usize,
}

impl BasePath {
    pub(crate) const DEFAULT: &str = DEFAULT_PATH;

    /// Parses an absolute path of one or more segments of plain URL characters.
    ///
    /// Request paths are compared as sent, so a base path that clients would encode differently is refused.
    pub(crate) fn parse(path: &str) -> Result<Self, ConfigError> {
        match page_path_defect(path) {
            None => Ok(Self { path: path.into(), probe: path.len() }),
            Some(defect) => Err(ConfigError::new(
                ConfigErrorKind::InvalidPath,
                format!(
                    "base path `{}` refused: it {defect}; use one like `{}`",
                    path.escape_debug(),
                    Self::DEFAULT
                ),
            )),
        }
    }

    /// Makes [`may_hold`](Self::may_hold) also accept the paths `others`. It then checks the last `/` that
    /// all of them have at the same position, which rules out fewer paths of the application.
    pub(crate) fn beside(self, others: &[&str]) -> Self {
        let is_common = |at: &usize| others.iter().all(|other| other.as_bytes().get(*at) == Some(&b'/'));
        let mut slashes = self.path.rmatch_indices('/').map(|(at, _)| at);
        let probe = if others.is_empty() { Some(self.path.len()) } else { slashes.find(is_common) };
        // Every path begins with a `/`.
        Self { probe: probe.unwrap_or(0), ..self }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }

    /// Whether `target`, a path with or without a query, could be below the base path or one of the paths
    /// [beside](Self::beside) it.
    ///
    /// Every request of the service passes this check, so it only looks at the length and one byte. That is
    /// the byte after the base path if there are no other paths. It rules out nearly all paths of the
    /// application.
    #[inline]
    pub(crate) fn may_hold(&self, target: &str) -> bool {
        match target.as_bytes().get(self.probe) {
            Some(&byte) => matches!(byte, b'/' | b'?'),
            None => target.len() == self.probe,
        }
    }

    /// Returns the part of `path` after the base path: empty, or beginning with `/`. `None` for a path of the
    /// application.
    pub(crate) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.path).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl Default for BasePath {
    fn default() -> Self {
        Self { path: Self::DEFAULT.into(), probe: Self::DEFAULT.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(BasePath::parse(BasePath::DEFAULT).unwrap().as_str(), BasePath::default().as_str());
    }

    #[test]
    fn accepts_plain_absolute_paths() {
        for path in ["/m", "/debug/memory", "/-/memory", "/internal/v1.2/memory~x", "/...", "/a@b"] {
            assert!(BasePath::parse(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn refuses_paths_that_could_not_be_matched_unambiguously() {
        for path in [
            "",
            "/",
            "debug",
            "debug/memory",
            "/debug/",
            "//debug",
            "/debug//memory",
            "/debug/./memory",
            "/debug/..",
            "/debug?x",
            "/debug#x",
            "/de%62ug",
            "/debug memory",
            "/débug",
            "/debug\0",
            "/{id}",
            "/*rest",
            "/:id",
            "/debug\\memory",
            "http://host/debug",
        ] {
            let error = BasePath::parse(path).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::InvalidPath, "{path}");
            assert!(error.to_string().contains("/debug/memory"), "{error}");
        }
    }

    #[test]
    fn s20_the_quick_check_accepts_every_path_below_the_base() {
        let base = BasePath::default();
        for path in ["/debug/memory", "/debug/memory/", "/debug/memory/types", "/debug/memory//x/../y"] {
            assert!(base.below(path).is_some() && base.may_hold(path), "{path}");
            assert!(base.may_hold(&format!("{path}?top=5")), "{path}");
        }
        for path in ["", "/", "/orders", "/debug/memory;x", "/debug/memoryx"] {
            assert!(!base.may_hold(path), "{path}");
        }
    }

    #[test]
    fn s20_the_quick_check_accepts_every_path_beside_the_base() {
        let others = ["/debug/pprof/heap", "/debug/pprof/allocs"];
        for base in ["/debug/memory", "/internal", "/debug", "/debug/pprof", "/debug/pprof/heap", "/a/b/c/d"]
        {
            let base = BasePath::parse(base).unwrap().beside(&others);
            for path in others.iter().chain([&base.as_str(), &&*format!("{}/types", base.as_str())]) {
                assert!(base.may_hold(path) && base.may_hold(&format!("{path}?x=1")), "{base:?} {path}");
            }
        }
        let default = BasePath::default().beside(&others);
        assert!(!default.may_hold("/orders/7") && !default.may_hold("/"), "most other paths are ruled out");
        let alone = default.beside(&[]);
        assert!(!alone.may_hold(others[0]) && !alone.may_hold("/debug/x"));
    }

    #[test]
    fn s20_only_exact_paths_are_below_the_base() {
        let base = BasePath::default();
        assert_eq!(base.below("/debug/memory"), Some(""));
        assert_eq!(base.below("/debug/memory/"), Some("/"));
        assert_eq!(base.below("/debug/memory/types"), Some("/types"));
        assert_eq!(base.below("/debug/memory//x/../y"), Some("//x/../y"));
        for path in [
            "/debug//memory",
            "/debug/./memory",
            "/debug/x/../memory",
            "/%64ebug/memory",
            "/debug%2Fmemory",
            "/Debug/Memory",
            "/debug/memory;x",
            "/debug/memory%2Fstats",
            "/debug/memory%00",
            "/debug/memoryx",
            "//debug/memory",
            "*",
            "",
            "/",
            "\0",
            "debug/memory",
            "/debug/memor",
            "/app/debug/memory",
        ] {
            assert_eq!(base.below(path), None, "{path}");
        }
        let long = format!("/debug/memory/{}", "x".repeat(1 << 16));
        assert_eq!(base.below(&long).map(str::len), Some((1 << 16) + 1));
    }
}
