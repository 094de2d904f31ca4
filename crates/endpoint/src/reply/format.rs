//! The formats of pages.

use memory_debug_formats::TreeFormat;

/// The format that a page is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for a terminal.
    Text,
    /// The wire format, `memory-debug/v1`.
    Json,
    /// A page for a browser. Only with the feature `html`.
    Html,
    /// A profile for `go tool pprof`, Pyroscope and Parca.
    Pprof,
    /// A profile as collapsed stacks.
    Collapsed,
    /// A heap profile in the format of another tool.
    Heap(TreeFormat),
    /// A trace in the format of another tool.
    Trace(TreeFormat),
    /// A picture as SVG.
    Svg,
    /// A graph of holders.
    Graph(GraphFormat),
    /// A profile as jemalloc's heap dump, with addresses of the process.
    Raw,
    /// Metrics in the text format of Prometheus.
    Prometheus,
    /// Metrics in the OpenMetrics format.
    OpenMetrics,
}

/// How a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GraphFormat {
    /// As a picture.
    Svg,
    /// In the language of Graphviz.
    Dot,
}

impl Format {
    /// Formats of most pages. Text comes first, for clients without a preference such as `curl`.
    #[cfg(feature = "html")]
    pub(crate) const PAGE: &'static [Self] = &[Self::Text, Self::Json, Self::Html];
    #[cfg(not(feature = "html"))]
    pub(crate) const PAGE: &'static [Self] = Self::DATA;

    /// Formats of answers to programs.
    pub(crate) const DATA: &'static [Self] = &[Self::Text, Self::Json];

    /// Formats of a kept snapshot.
    #[cfg(feature = "html")]
    pub(crate) const SNAPSHOT: &'static [Self] = &[Self::Text, Self::Json, Self::Html, Self::Pprof];
    #[cfg(not(feature = "html"))]
    pub(crate) const SNAPSHOT: &'static [Self] = &[Self::Text, Self::Json, Self::Pprof];

    /// Formats of a heap profile. Pprof comes first, because `go tool pprof` states no preference.
    pub(crate) const PROFILE: &'static [Self] = &[
        Self::Pprof,
        Self::Text,
        Self::Json,
        Self::Collapsed,
        Self::Raw,
        Self::Heap(TreeFormat::HeapProfile),
        Self::Heap(TreeFormat::HeapSnapshot),
        Self::Heap(TreeFormat::HeapTimeline),
        Self::Heap(TreeFormat::Speedscope),
        Self::Heap(TreeFormat::Callgrind),
    ];

    /// Formats of a heap profile at a path of Go.
    pub(crate) const GO: &'static [Self] = &[Self::Pprof, Self::Text];

    /// Formats of a trace.
    pub(crate) const TRACE: &'static [Self] = &[
        Self::Text,
        Self::Json,
        #[cfg(feature = "html")]
        Self::Html,
        Self::Trace(TreeFormat::Callgrind),
        Self::Trace(TreeFormat::CpuProfile),
        Self::Trace(TreeFormat::Speedscope),
        Self::Trace(TreeFormat::Collapsed),
        Self::Trace(TreeFormat::Pprof),
    ];

    /// Formats of metrics.
    pub(crate) const METRICS: &'static [Self] = &[Self::Prometheus, Self::OpenMetrics];

    /// Formats of a picture. SVG comes first, for clients without a preference.
    #[cfg(feature = "html")]
    pub(crate) const PICTURE: &'static [Self] = &[Self::Svg, Self::Html];
    #[cfg(not(feature = "html"))]
    pub(crate) const PICTURE: &'static [Self] = &[Self::Svg];

    /// Formats of who holds the memory.
    pub(crate) const HOLDERS: &'static [Self] = &[
        Self::Text,
        Self::Json,
        #[cfg(feature = "html")]
        Self::Html,
        Self::Graph(GraphFormat::Svg),
        Self::Graph(GraphFormat::Dot),
    ];

    /// The format of data that only programs read.
    pub(crate) const JSON: &'static [Self] = &[Self::Json];

    /// The value of the `format` parameter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Html => "html",
            Self::Pprof => "pprof",
            Self::Collapsed => "collapsed",
            Self::Heap(format) | Self::Trace(format) => format.name(),
            Self::Svg | Self::Graph(GraphFormat::Svg) => "svg",
            Self::Graph(GraphFormat::Dot) => "dot",
            Self::Raw => "raw",
            Self::Prometheus => "prometheus",
            Self::OpenMetrics => "openmetrics",
        }
    }

    /// The format in `formats` with this name.
    pub(crate) fn from_name(name: &str, formats: &[Self]) -> Option<Self> {
        formats.iter().copied().find(|format| format.name() == name)
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Text | Self::Collapsed | Self::Raw | Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
            Self::Json => "application/json",
            Self::Html => "text/html",
            Self::Pprof => "application/octet-stream",
            Self::Svg | Self::Graph(GraphFormat::Svg) => "image/svg+xml",
            Self::Graph(GraphFormat::Dot) => "text/vnd.graphviz",
            Self::Heap(format) | Self::Trace(format) => format.media_type(),
        }
    }

    /// The value of `Content-Type`. JSON has no `charset` parameter (RFC 8259, section 11).
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text | Self::Collapsed | Self::Raw => "text/plain; charset=utf-8",
            Self::Heap(format) | Self::Trace(format) if format.media_type() == "text/plain" => {
                Self::Text.content_type()
            }
            Self::Html => "text/html; charset=utf-8",
            Self::Graph(GraphFormat::Dot) => "text/vnd.graphviz; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            _ => self.media_type(),
        }
    }

    /// The value of `Content-Disposition` for formats that clients should save instead of show. A picture is one of
    /// them, because a browser would run scripts in it. DevTools choose their panel by the end of the name.
    pub(crate) fn disposition(self) -> Option<String> {
        let name = match self {
            Self::Pprof => "heap.pb.gz".to_owned(),
            Self::Heap(format) => format!("heap.{}", format.extension()),
            Self::Trace(format) => format!("trace.{}", format.extension()),
            Self::Svg => "flamegraph.svg".to_owned(),
            Self::Graph(_) => format!("holders.{}", self.name()),
            Self::Raw => "jeprof.heap".to_owned(),
            _ => return None,
        };
        Some(format!("attachment; filename=\"{name}\""))
    }

    /// The format of an error, if this format was asked for.
    pub(crate) fn for_problem(self) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_has_all_formats_of_traces() {
        let of_tools = Format::TRACE.iter().filter_map(|format| match format {
            Format::Trace(of_tool) => Some(*of_tool),
            _ => None,
        });
        assert!(of_tools.eq(TreeFormat::OF_TRACE.iter().copied()));
    }
}
