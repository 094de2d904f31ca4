//! The layer, which holds the settings and the state that all its services share.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use http::Extensions;
use memory_debug_endpoint::{ConfigError, Connection, Credentials, Endpoint};
use tower_layer::Layer;

use crate::body::{AnyBody, SameBody};
use crate::service::{MemoryDebug, Settings};

/// Puts the memory page in front of a service.
///
/// Making and applying the layer starts nothing and reads nothing, unless the endpoint has siblings (feature
/// `siblings`) or records live samples from the start
/// ([`live_samples_from_start`](Self::live_samples_from_start)). Clones of a layer, and the services made from them, share one state. So only one collection of a kind
/// runs at a time, however often a router applies the layer. The state takes a few hundred bytes and stays in memory
/// until the process ends.
///
/// # Examples
///
/// ```
/// use memory_debug_tower::{Credentials, Limits, MemoryDebugLayer, generate_password};
/// use std::time::Duration;
///
/// let credentials = Credentials::new("ops", generate_password()?)?;
/// let limits = Limits::default().deadline(Duration::from_secs(10));
/// let layer = MemoryDebugLayer::new(credentials)
///     .service("shop", env!("CARGO_PKG_VERSION"))
///     .configure(|endpoint| endpoint.limits(limits).hide_host())
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
    /// The settings that services use, set when the layer is first applied.
    ///
    /// They are leaked on purpose. Routers clone a service for each request. With an `Arc` in the service, every
    /// request, also one for another path, would write to one counter that all processors share. A reference costs
    /// nothing to clone. Layers usually live as long as the process anyway.
    served: OnceLock<&'static Settings>,
}

impl<K> MemoryDebugLayer<K> {
    /// The page at `/debug/memory` with default settings.
    pub fn new(credentials: Credentials) -> Self {
        Self::from(Endpoint::new(credentials))
    }

    /// Changes any setting of the endpoint.
    ///
    /// ```
    /// # use memory_debug_tower::{Credentials, MemoryDebugLayer, generate_password};
    /// # let credentials = Credentials::new("ops", generate_password()?)?;
    /// let layer = MemoryDebugLayer::new(credentials).configure(|endpoint| endpoint.require_tls().hide_host());
    /// # Ok::<(), memory_debug_tower::CredentialsError>(())
    /// ```
    pub fn configure(self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        let Settings { endpoint, connection, .. } = self.state.settings.clone();
        Self::with(Settings::new(change(endpoint), connection))
    }

    /// Mounts the page at another path.
    ///
    /// # Errors
    ///
    /// If `path` is not an absolute path of plain segments, like `/internal/memory`.
    pub fn path(self, path: impl AsRef<str>) -> Result<Self, ConfigError> {
        let Settings { endpoint, connection, .. } = self.state.settings.clone();
        Ok(Self::with(Settings::new(endpoint.path(path)?, connection)))
    }

    /// Names the service in each report: [`Endpoint::service`].
    pub fn service(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.configure(|endpoint| endpoint.service(name, version))
    }

    /// Starts recording live samples now and not at the first hit: [`Endpoint::live_samples_from_start`].
    pub fn live_samples_from_start(self) -> Self {
        self.configure(Endpoint::live_samples_from_start)
    }

    /// Sets the function that reads the client's address from the extensions of a request. Without this function, the
    /// address is unknown.
    pub fn connection(self, connection: fn(&Extensions) -> Connection) -> Self {
        Self::with(Settings::new(self.state.settings.endpoint.clone(), connection))
    }

    /// The path of the overview. All other pages are below it.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.state.settings.endpoint.base_path()
    }

    /// The paths outside [`base_path`](Self::base_path) that the page also answers:
    /// [`Endpoint::pprof_aliases`]. Empty by default.
    #[must_use]
    pub fn alias_paths(&self) -> &'static [&'static str] {
        self.state.settings.endpoint.alias_paths()
    }

    fn with(settings: Settings) -> Self {
        Self { state: Arc::new(State { settings, served: OnceLock::new() }), body: PhantomData }
    }
}

impl MemoryDebugLayer<AnyBody> {
    /// Keeps the type of the inner service's body, which must implement `From<`[`Bytes`](bytes::Bytes)`>`.
    ///
    /// Use it in functions that name the type, and around an axum router without memory-debug-axum.
    pub fn same_body(self) -> MemoryDebugLayer<SameBody> {
        MemoryDebugLayer { state: self.state, body: PhantomData }
    }
}

/// Returns a layer that shares its state with the original.
impl From<MemoryDebugLayer<SameBody>> for MemoryDebugLayer<AnyBody> {
    fn from(layer: MemoryDebugLayer<SameBody>) -> Self {
        Self { state: layer.state, body: PhantomData }
    }
}

impl<K> From<Endpoint> for MemoryDebugLayer<K> {
    fn from(endpoint: Endpoint) -> Self {
        Self::with(Settings::new(endpoint, |_extensions| Connection::default()))
    }
}

/// The page at `/debug/memory` with default settings.
impl<K> From<Credentials> for MemoryDebugLayer<K> {
    fn from(credentials: Credentials) -> Self {
        Self::new(credentials)
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
