//! The representations a page can have.

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a terminal.
    Text,
    /// The wire format, `memory-debug/v1`.
    Json,
    /// A profile for `go tool pprof`, Pyroscope and Parca.
    Pprof,
    /// A profile as collapsed stacks.
    Collapsed,
    /// A picture.
    Svg,
    /// A profile as jemalloc's heap dump, with addresses of the process.
    Raw,
    /// Metrics as Prometheus has them.
    Prometheus,
    /// Metrics as OpenMetrics has them.
    OpenMetrics,
}

impl Format {
    /// Those of most pages, in order of preference when the client has none: `curl` comes first.
    pub(crate) const PAGE: &'static [Self] = &[Self::Text, Self::Json];

    /// Those of a heap profile. `go tool pprof` has no preference and comes first.
    pub(crate) const PROFILE: &'static [Self] =
        &[Self::Pprof, Self::Text, Self::Json, Self::Collapsed, Self::Raw];

    /// Those of a heap profile in Go.
    pub(crate) const GO: &'static [Self] = &[Self::Pprof, Self::Text];

    /// Those of metrics.
    pub(crate) const METRICS: &'static [Self] = &[Self::Prometheus, Self::OpenMetrics];

    /// That of a picture.
    pub(crate) const PICTURE: &'static [Self] = &[Self::Svg];

    /// The value of the `format` parameter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Pprof => "pprof",
            Self::Collapsed => "collapsed",
            Self::Svg => "svg",
            Self::Raw => "raw",
            Self::Prometheus => "prometheus",
            Self::OpenMetrics => "openmetrics",
        }
    }

    /// The one of `formats` with this name.
    pub(crate) fn from_name(name: &str, formats: &[Self]) -> Option<Self> {
        formats.iter().copied().find(|format| format.name() == name)
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Text | Self::Collapsed | Self::Raw | Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
            Self::Json => "application/json",
            Self::Pprof => "application/octet-stream",
            Self::Svg => "image/svg+xml",
        }
    }

    /// The value of `Content-Type`. JSON has no `charset` parameter (RFC 8259, section 11).
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text | Self::Collapsed | Self::Raw => "text/plain; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            _ => self.media_type(),
        }
    }

    /// The value of `Content-Disposition`, of what is saved rather than looked at. A picture is among these because a
    /// browser would run what is in it.
    pub(crate) fn disposition(self) -> Option<&'static str> {
        match self {
            Self::Pprof => Some("attachment; filename=\"heap.pb.gz\""),
            Self::Svg => Some("attachment; filename=\"flamegraph.svg\""),
            Self::Raw => Some("attachment; filename=\"jeprof.heap\""),
            _ => None,
        }
    }

    /// The format of an error where this one was asked for.
    pub(crate) fn of_problem(self) -> Self {
        if self == Self::Json { Self::Json } else { Self::Text }
    }

    /// The value of `Content-Type` of an error in this format.
    pub(crate) fn problem_content_type(self) -> &'static str {
        match self {
            Self::Json => "application/problem+json",
            _ => Self::Text.content_type(),
        }
    }
}
