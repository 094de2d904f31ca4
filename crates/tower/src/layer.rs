//! The layer: settings, and the one state that all services made from it share.

use std::sync::{Arc, OnceLock};

use memory_debug_endpoint::{Collect, ConfigError, Credentials, Endpoint, Limits};
use tower_layer::Layer;

use crate::service::MemoryDebug;

/// Puts the memory page in front of a service.
///
/// Making and applying it starts nothing and reads nothing. Clones, and services made from them, share one state, so
/// however often a router applies the layer, one collection of a kind runs at a time. That state, a few hundred bytes,
/// stays in memory until the process ends.
///
/// # Examples
///
/// ```
/// use memory_debug_tower::{Credentials, Limits, MemoryDebugLayer, generate_password};
/// use std::time::Duration;
///
/// let credentials = Credentials::new("ops", generate_password()?)?;
/// let layer = MemoryDebugLayer::new(credentials)
///     .service("shop", env!("CARGO_PKG_VERSION"))
///     .limits(Limits::default().deadline(Duration::from_secs(10)))
///     .path("/internal/memory")?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryDebugLayer {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    endpoint: Endpoint,
    /// The endpoint as services see it, once the layer is applied. It stays until the process ends, as the layer of a
    /// service does anyway, so that a service, which routers clone for each request, needs no counter that all
    /// processors write to.
    served: OnceLock<&'static Endpoint>,
}

impl MemoryDebugLayer {
    /// The page at `/debug/memory` with default limits.
    pub fn new(credentials: Credentials) -> Self {
        Self::from(Endpoint::new(credentials))
    }

    /// Mounts the page elsewhere.
    ///
    /// # Errors
    ///
    /// If `path` is not an absolute path of plain segments, like `/internal/memory`.
    pub fn path(self, path: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.into_endpoint().path(path).map(Self::from)
    }

    /// Names the service in each report; replaces what [`collect_with`](Self::collect_with) set.
    pub fn service(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self::from(self.into_endpoint().service(name, version))
    }

    /// Bounds what requests may cost.
    pub fn limits(self, limits: Limits) -> Self {
        Self::from(self.into_endpoint().limits(limits))
    }

    /// Gets its reports from `collect` instead of this process.
    pub fn collect_with(self, collect: impl Collect) -> Self {
        Self::from(self.into_endpoint().collect_with(collect))
    }

    /// The path of the overview; all other pages lie below it.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.state.endpoint.base_path()
    }

    fn into_endpoint(self) -> Endpoint {
        self.state.endpoint.clone()
    }
}

impl From<Endpoint> for MemoryDebugLayer {
    fn from(endpoint: Endpoint) -> Self {
        Self { state: Arc::new(State { endpoint, served: OnceLock::new() }) }
    }
}

impl<S> Layer<S> for MemoryDebugLayer {
    type Service = MemoryDebug<S>;

    fn layer(&self, inner: S) -> MemoryDebug<S> {
        let served = self.state.served.get_or_init(|| Box::leak(Box::new(self.state.endpoint.clone())));
        MemoryDebug::new(inner, served)
    }
}
