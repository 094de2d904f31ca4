//! Where the endpoint is mounted.

use memory_debug_fleet::{DEFAULT_PATH, page_path_defect};

use crate::config_error::{ConfigError, ConfigErrorKind};

/// The path of the overview; every other page lies below it.
#[derive(Clone, Debug)]
pub(crate) struct BasePath {
    path: Box<str>,
    /// Where [`may_hold`](Self::may_hold) looks.
    probe: usize,
}

impl BasePath {
    pub(crate) const DEFAULT: &str = DEFAULT_PATH;

    /// Accepts absolute paths of one or more segments of plain URL characters.
    ///
    /// Request paths are compared as sent, so a base that clients would write differently is refused.
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

    /// Has [`may_hold`](Self::may_hold) find `others` too: it then looks at the last `/` that all have at the same place,
    /// which tells fewer of the application's paths apart.
    pub(crate) fn beside(self, others: &[&str]) -> Self {
        let is_common = |at: &usize| others.iter().all(|other| other.as_bytes().get(*at) == Some(&b'/'));
        let mut slashes = self.path.rmatch_indices('/').map(|(at, _)| at);
        let probe = if others.is_empty() { Some(self.path.len()) } else { slashes.find(is_common) };
        // All of them begin with one.
        Self { probe: probe.unwrap_or(0), ..self }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }

    /// Whether `target`, a path with or without its query, might lie below the base or be one of those
    /// [beside](Self::beside) it: a look at its length and at one byte, that behind the base if there are none beside it,
    /// which tells nearly all paths of the application apart.
    ///
    /// Every request of the service passes here.
    #[inline]
    pub(crate) fn may_hold(&self, target: &str) -> bool {
        match target.as_bytes().get(self.probe) {
            Some(&byte) => matches!(byte, b'/' | b'?'),
            None => target.len() == self.probe,
        }
    }

    /// The rest of `path` below the base: empty or beginning with `/`. `None` if it is a path of the application.
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
    fn s20_the_first_look_misses_no_path_below_the_base() {
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
    fn s20_the_first_look_misses_none_of_those_beside_the_base() {
        let others = ["/debug/pprof/heap", "/debug/pprof/allocs"];
        for base in ["/debug/memory", "/internal", "/debug", "/debug/pprof", "/debug/pprof/heap", "/a/b/c/d"]
        {
            let base = BasePath::parse(base).unwrap().beside(&others);
            for path in others.iter().chain([&base.as_str(), &&*format!("{}/types", base.as_str())]) {
                assert!(base.may_hold(path) && base.may_hold(&format!("{path}?x=1")), "{base:?} {path}");
            }
        }
        let default = BasePath::default().beside(&others);
        assert!(!default.may_hold("/orders/7") && !default.may_hold("/"), "most others are told apart");
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
