//! The layer: settings, and the one state that all services made from it share.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use http::Extensions;
use memory_debug_endpoint::{Collect, ConfigError, Connection, Credentials, Endpoint, Limits};
use tower_layer::Layer;

use crate::body::{AnyBody, SameBody};
use crate::service::MemoryDebug;

/// Puts the memory page in front of a service.
///
/// Making and applying it starts nothing and reads nothing, unless it has siblings (feature `siblings`). Clones, and services made from them, share one state, so
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
pub struct MemoryDebugLayer<K> {
    state: Arc<State>,
    body: PhantomData<fn() -> K>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    /// The settings as services see them, once the layer is applied. They stay until the process ends, as the layer
    /// of a service does anyway, so that a service, which routers clone for each request, needs no counter that all
    /// processors write to.
    served: OnceLock<&'static Settings>,
}

/// What a service needs to answer for the page.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) connection: fn(&Extensions) -> Connection,
}

impl<K> MemoryDebugLayer<K> {
    /// The page at `/debug/memory` with default limits.
    pub fn new(credentials: Credentials) -> Self {
        Self::from(Endpoint::new(credentials))
    }

    /// Changes any setting that the endpoint has; those with a method here are the ones that most services need.
    ///
    /// ```
    /// # use memory_debug_tower::{Credentials, MemoryDebugLayer, generate_password};
    /// # let credentials = Credentials::new("ops", generate_password()?)?;
    /// let layer = MemoryDebugLayer::new(credentials).configure(|endpoint| endpoint.service("shop", "1.4.2"));
    /// # Ok::<(), memory_debug_tower::CredentialsError>(())
    /// ```
    pub fn configure(self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        let Settings { endpoint, connection } = self.state.settings.clone();
        Self::with(Settings { endpoint: change(endpoint), connection })
    }

    /// Mounts the page elsewhere.
    ///
    /// # Errors
    ///
    /// If `path` is not an absolute path of plain segments, like `/internal/memory`.
    pub fn path(self, path: impl AsRef<str>) -> Result<Self, ConfigError> {
        let Settings { endpoint, connection } = self.state.settings.clone();
        Ok(Self::with(Settings { endpoint: endpoint.path(path)?, connection }))
    }

    /// Names the service in each report; replaces what [`collect_with`](Self::collect_with) set.
    pub fn service(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.configure(|endpoint| endpoint.service(name, version))
    }

    /// Bounds what requests may cost.
    pub fn limits(self, limits: Limits) -> Self {
        self.configure(|endpoint| endpoint.limits(limits))
    }

    /// Gets its reports from `collect` instead of this process.
    pub fn collect_with(self, collect: impl Collect) -> Self {
        self.configure(|endpoint| endpoint.collect_with(collect))
    }

    /// Tells how to find the peer's address among the extensions of a request, where servers put it. Without it the
    /// peer is unknown.
    pub fn connection(self, connection: fn(&Extensions) -> Connection) -> Self {
        Self::with(Settings { connection, ..self.state.settings.clone() })
    }

    /// The path of the overview; all other pages lie below it.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.state.settings.endpoint.base_path()
    }

    /// The paths that the page has elsewhere, if it [has](Endpoint::pprof_aliases).
    #[must_use]
    pub fn alias_paths(&self) -> &'static [&'static str] {
        self.state.settings.endpoint.alias_paths()
    }

    fn with(settings: Settings) -> Self {
        Self { state: Arc::new(State { settings, served: OnceLock::new() }), body: PhantomData }
    }
}

impl MemoryDebugLayer<AnyBody> {
    /// Keeps the type of the inner service's body, which has to be made from [`Bytes`](bytes::Bytes).
    ///
    /// For functions that name the type, and around an axum router without memory-debug-axum.
    pub fn same_body(self) -> MemoryDebugLayer<SameBody> {
        MemoryDebugLayer { state: self.state, body: PhantomData }
    }
}

/// Both share one state.
impl From<MemoryDebugLayer<SameBody>> for MemoryDebugLayer<AnyBody> {
    fn from(layer: MemoryDebugLayer<SameBody>) -> Self {
        Self { state: layer.state, body: PhantomData }
    }
}

impl<K> From<Endpoint> for MemoryDebugLayer<K> {
    fn from(endpoint: Endpoint) -> Self {
        Self::with(Settings { endpoint, connection: |_extensions| Connection::default() })
    }
}

impl<S, K> Layer<S> for MemoryDebugLayer<K> {
    type Service = MemoryDebug<S, K>;

    fn layer(&self, inner: S) -> MemoryDebug<S, K> {
        let served = self.state.served.get_or_init(|| {
            let settings: &'static Settings = Box::leak(Box::new(self.state.settings.clone()));
            settings.endpoint.listen();
            settings
        });
        MemoryDebug::new(inner, served)
    }
}
