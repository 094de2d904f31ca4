//! The settings, to be wrapped around an application or added to it.

use memory_debug_endpoint::{Collect, ConfigError, Credentials, Endpoint, Limits};

/// The memory page of this process, as a middleware (`App::wrap`) or a service (`App::service`).
///
/// Making it starts nothing and reads nothing, nor does applying it, unless it has siblings (feature `siblings`). However many workers make an application with it, one collection of a
/// kind runs at a time.
///
/// # Examples
///
/// ```
/// use actix_web::App;
/// use memory_debug_actix::{Credentials, Limits, MemoryDebug, generate_password};
/// use std::time::Duration;
///
/// let memory = MemoryDebug::new(Credentials::new("ops", generate_password()?)?)
///     .service("shop", env!("CARGO_PKG_VERSION"))
///     .limits(Limits::default().deadline(Duration::from_secs(10)))
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
    /// The page at `/debug/memory` with default limits.
    pub fn new(credentials: Credentials) -> Self {
        Self::from(Endpoint::new(credentials))
    }

    /// Changes any setting that the endpoint has; those with a method here are the ones that most services need.
    ///
    /// ```
    /// # use memory_debug_actix::{Credentials, MemoryDebug, generate_password};
    /// # let credentials = Credentials::new("ops", generate_password()?)?;
    /// let memory = MemoryDebug::new(credentials).configure(|endpoint| endpoint.service("shop", "1.4.2"));
    /// # Ok::<(), memory_debug_actix::CredentialsError>(())
    /// ```
    pub fn configure(self, change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        Self::from(change(self.endpoint))
    }

    /// Mounts the page elsewhere.
    ///
    /// # Errors
    ///
    /// If `path` is not an absolute path of plain segments, like `/internal/memory`.
    pub fn path(self, path: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.endpoint.path(path).map(Self::from)
    }

    /// Names the service in each report; replaces what [`collect_with`](Self::collect_with) set.
    pub fn service(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self::from(self.endpoint.service(name, version))
    }

    /// Bounds what requests may cost.
    pub fn limits(self, limits: Limits) -> Self {
        Self::from(self.endpoint.limits(limits))
    }

    /// Gets its reports from `collect` instead of this process.
    pub fn collect_with(self, collect: impl Collect) -> Self {
        Self::from(self.endpoint.collect_with(collect))
    }

    /// The path of the overview; all other pages lie below it.
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
