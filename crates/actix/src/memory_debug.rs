//! The settings of the page, to wrap around an application or to add to it.

use memory_debug_endpoint::{ConfigError, Credentials, Endpoint};

/// The memory page of this process, as a middleware (`App::wrap`) or a service (`App::service`).
///
/// Making and applying it starts nothing and reads nothing, unless the endpoint has siblings (feature `siblings`) or
/// records live samples from the start ([`live_samples_from_start`](Self::live_samples_from_start)).
/// Only one collection of a kind runs at a time, however many workers make an application with it.
///
/// # Examples
///
/// ```
/// use actix_web::App;
/// use memory_debug_actix::{Credentials, Limits, MemoryDebug, generate_password};
/// use std::time::Duration;
///
/// let limits = Limits::default().deadline(Duration::from_secs(10));
/// let memory = MemoryDebug::new(Credentials::new("ops", generate_password()?)?)
///     .service("shop", env!("CARGO_PKG_VERSION"))
///     .configure(|endpoint| endpoint.limits(limits).hide_host())
///     .path("/internal/memory")?;
/// let application = App::new().wrap(memory);
/// # let _ = application;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryDebug {
    pub(crate) endpoint: Endpoint,
}

impl MemoryDebug {
    /// The page at `/debug/memory` with default settings.
    pub fn new(credentials: Credentials) -> Self {
        Self::from(Endpoint::new(credentials))
    }

    /// Changes any setting of the endpoint.
    ///
    /// ```
    /// # use memory_debug_actix::{Credentials, MemoryDebug, generate_password};
    /// # let credentials = Credentials::new("ops", generate_password()?)?;
    /// let memory = MemoryDebug::new(credentials).configure(|endpoint| endpoint.require_tls().hide_host());
    /// # Ok::<(), memory_debug_actix::CredentialsError>(())
    /// ```
    pub fn configure(self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        Self::from(change(self.endpoint))
    }

    /// Mounts the page at another path.
    ///
    /// # Errors
    ///
    /// If `path` is not an absolute path of plain segments, like `/internal/memory`.
    pub fn path(self, path: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.endpoint.path(path).map(Self::from)
    }

    /// Names the service in each report: [`Endpoint::service`].
    pub fn service(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self::from(self.endpoint.service(name, version))
    }

    /// Starts recording live samples now and not at the first hit: [`Endpoint::live_samples_from_start`].
    pub fn live_samples_from_start(self) -> Self {
        Self::from(self.endpoint.live_samples_from_start())
    }

    /// The path of the overview. All other pages are below it.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.endpoint.base_path()
    }
}

impl From<Endpoint> for MemoryDebug {
    fn from(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }
}
