//! The representations a page can have.

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a terminal.
    Text,
    /// The wire format, `memory-debug/v1`.
    Json,
}

impl Format {
    /// In order of preference when the client has none: `curl` comes first.
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The value of the `format` parameter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Json => "application/json",
        }
    }

    /// The value of `Content-Type`. JSON has no `charset` parameter (RFC 8259, section 11).
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The value of `Content-Type` of an error in this format.
    pub(crate) fn problem_content_type(self) -> &'static str {
        match self {
            Self::Text => Self::Text.content_type(),
            Self::Json => "application/problem+json",
        }
    }
}
