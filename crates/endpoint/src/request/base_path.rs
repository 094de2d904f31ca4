//! The path at which the endpoint is mounted.

use memory_debug_fleet::{DEFAULT_PATH, page_path_defect};

use crate::config_error::{ConfigError, ConfigErrorKind};

/// The path of the overview. Every other page is below it.
#[derive(Clone, Debug)]
pub(crate) struct BasePath {
    path: Box<str>,
}

impl BasePath {
    pub(crate) const DEFAULT: &str = DEFAULT_PATH;

    /// Parses an absolute path of one or more segments of plain URL characters.
    ///
    /// Request paths are compared as sent, so a base path that clients would encode differently is refused.
    pub(crate) fn parse(path: &str) -> Result<Self, ConfigError> {
        match page_path_defect(path) {
            None => Ok(Self { path: path.into() }),
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

    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }

    /// Returns the part of `path` after the base path: empty, or beginning with `/`. `None` if the path belongs to the
    /// application. Every request of the service passes this check.
    #[inline]
    pub(crate) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.path).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl Default for BasePath {
    fn default() -> Self {
        Self { path: Self::DEFAULT.into() }
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
