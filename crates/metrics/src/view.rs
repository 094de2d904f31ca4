//! Which types have metrics.

/// Which types have metrics; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MetricsView {
    /// The number of types with metrics of their own: the types with the most bytes. All others share one, named
    /// `other`. Needs a report with types.
    pub top: usize,
    /// Whether tracked types, registered roots, and rules of the monitor about one type have metrics.
    pub exact: bool,
}
