//! The endpoint and its settings.

mod handle;
mod link;
mod siblings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use memory_debug_core::{MonitorHandle, TraceHandle};
use memory_debug_fleet::Siblings;

use self::siblings::ForSiblings;
use crate::audit::Audit;
use crate::auth::{Credentials, Gate, PlainHttp, Role, Transport};
use crate::collect::Collect;
use crate::config_error::ConfigError;
use crate::flight::{Flights, ServiceName};
use crate::limits::Limits;
use crate::peers::Peers;
use crate::request::{BasePath, alias};

/// The memory page of one process, behind basic authentication.
///
/// Building it only stores settings. No thread, file or allocator call happens before the first request with the
/// right credentials. Clones and endpoints with equal settings share collections. However many endpoints a process
/// has, at most one collection of each kind runs at a time.
///
/// # Examples
///
/// ```
/// use memory_debug_endpoint::{Connection, Credentials, Endpoint, RequestParts, generate_password};
///
/// let endpoint = Endpoint::new(Credentials::new("ops", generate_password()?)?).service("shop", "1.4.2");
/// let anonymous = RequestParts {
///     method: "GET",
///     authority: None,
///     path: "/debug/memory",
///     query: None,
///     headers: &|_name| Vec::new(),
///     connection: Connection::default(),
/// };
///
/// assert!(endpoint.matches(anonymous.path));
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// assert_eq!(endpoint.handle(anonymous).await.status, 401);
/// # });
/// # Ok::<(), memory_debug_endpoint::CredentialsError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Endpoint {
    base: BasePath,
    gate: Gate,
    source: Source,
    flights: Arc<Flights>,
    audit: Audit,
    role_for_types: Role,
    is_hidden: bool,
    shows_host: bool,
    gives_addresses: bool,
    has_pprof_aliases: bool,
    monitor: Option<MonitorHandle>,
    tracer: Option<TraceHandle>,
    siblings: Option<Arc<Siblings>>,
    peers: Option<Arc<Peers>>,
}

/// The subject of the reports.
#[derive(Clone, Debug)]
enum Source {
    /// This process, under a service name.
    Process(ServiceName),
    /// Anything that the application's own collector collects.
    Other,
}

impl Endpoint {
    /// Creates an endpoint at `/debug/memory` with default limits.
    pub fn new(credentials: Credentials) -> Self {
        let flights = Flights::of_process(&None, Limits::default());
        Self {
            base: BasePath::default(),
            gate: Gate::new(credentials),
            source: Source::Process(None),
            flights,
            audit: Audit::default(),
            role_for_types: Role::Read,
            is_hidden: false,
            shows_host: true,
            gives_addresses: false,
            has_pprof_aliases: false,
            monitor: None,
            tracer: None,
            siblings: None,
            peers: None,
        }
    }

    /// Mounts the page at `path`.
    ///
    /// # Errors
    ///
    /// If `path` is not an absolute path of plain segments, like `/internal/memory`.
    pub fn path(self, path: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self { base: BasePath::parse(path.as_ref())?, ..self })
    }

    /// Names the service in each report. Undoes [`collect_with`](Self::collect_with).
    pub fn service(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        let service = Some((name.into(), version.into()));
        let flights = Flights::of_process(&service, self.flights.limits().clone());
        Self { source: Source::Process(service), flights, ..self }
    }

    /// Collects reports with `collect` instead of the [`Collector`](memory_debug_core::Collector) of this process.
    pub fn collect_with(self, collect: impl Collect) -> Self {
        let flights = Flights::new(Arc::new(collect), self.flights.limits().clone());
        Self { source: Source::Other, flights: Arc::new(flights), ..self }
    }

    /// Sets the limits on what requests may cost.
    pub fn limits(self, limits: Limits) -> Self {
        let flights = match &self.source {
            Source::Process(service) => Flights::of_process(service, limits),
            Source::Other => Arc::new(self.flights.with_limits(limits)),
        };
        Self { flights, ..self }
    }

    /// Sets the role that a login needs to see names of types and call sites. The default is [`Role::Read`]. With
    /// [`Role::Profile`], other logins see only pages without such names.
    pub fn role_for_types(self, role: Role) -> Self {
        Self { role_for_types: role, ..self }
    }

    /// Leaves the host's name out of all pages. In a container this is usually the name of the pod.
    pub fn hide_host(self) -> Self {
        Self { shows_host: false, ..self }
    }

    /// Serves `/heap?format=raw`, jemalloc's own heap dump for `jeprof`, to logins with [`Role::Profile`]. Without this
    /// setting the page is refused.
    ///
    /// # Security
    ///
    /// No other page contains addresses of this process. Addresses show where its code is, and address space layout
    /// randomisation exists to hide that from an attacker who exploits another fault. The dump also contains the paths
    /// of the program's files.
    pub fn allow_raw_addresses(self) -> Self {
        Self { gives_addresses: true, ..self }
    }

    /// Also serves `/debug/pprof/heap` and `/debug/pprof/allocs`. Go services have their profiles there, and scrapers
    /// look for them there by default. These paths do not depend on the base path. They show `/heap` for pprof, with
    /// the same password, role and limits.
    ///
    /// As in Go, `debug=1` selects text and `seconds` selects growth. `gc` has no effect, because there is no garbage
    /// collector, and `Accept` is ignored. Readers of `allocs` first show allocations since the start, if jemalloc
    /// counts them (`prof_accum:true`). Otherwise it equals `heap`.
    pub fn pprof_aliases(self) -> Self {
        Self { has_pprof_aliases: true, ..self }
    }

    /// Shows the monitor of this process at `/monitor`, and its tasks at `/monitor/tasks`. The overview then says how
    /// an earlier process ended, and `/metrics` has the states of rules and the number of events.
    ///
    /// Without this setting both pages say how to start a monitor.
    ///
    /// # Security
    ///
    /// Both pages name types, tasks, routes and files of the folder of captures. They need the role of
    /// [`role_for_types`](Self::role_for_types), as other pages with names do.
    pub fn monitor(self, monitor: impl Into<MonitorHandle>) -> Self {
        Self { monitor: Some(monitor.into()), ..self }
    }

    /// Shows what a tracer counted at `/trace`, and lets logins with [`Role::Profile`] start and stop it there.
    ///
    /// Without this setting the page says how to add a tracer.
    ///
    /// # Security
    ///
    /// The page names spans, matched patterns of routes, named futures, and source files with lines, for logins with
    /// the role of [`role_for_types`](Self::role_for_types). Other logins see numbers without names. A request can
    /// start the tracer for at most 600 seconds, and the tracer has a fixed maximum of nodes.
    pub fn tracer(self, tracer: impl Into<TraceHandle>) -> Self {
        Self { tracer: Some(tracer.into()), ..self }
    }

    /// Starts recording live samples now: [`record_live_samples`](memory_debug_core::record_live_samples). Without this
    /// setting, the first collection starts it, and no age is known of the memory from before.
    ///
    /// From then on, jemalloc calls a function for each sampled allocation and each end of one. No thread and no file is
    /// involved. If recording is not possible, because jemalloc does not profile or other code uses its hooks, the pages
    /// say why.
    pub fn live_samples_from_start(self) -> Self {
        // Tried again at each collection, so the reason is not lost.
        let _ = memory_debug_core::record_live_samples();
        self
    }

    /// Serves `/fleet` for all processes of this host that are configured with the same directory. They can share a
    /// port (`SO_REUSEPORT`), be workers forked from one process, or run behind a local balancer. Each process
    /// listens on a Unix socket in the directory, and the process that gets the request asks the others.
    ///
    /// The directory is created with mode 0700 if it does not exist; its parent must exist. It is refused if it is a
    /// link, belongs to another user, or is open to others. The socket and its thread exist as soon as an adapter
    /// applies the endpoint ([`listen`](Self::listen)). A forked process creates its own socket at its first request
    /// for the page, and is missing from the sums until then. Endpoints of one process with the same directory share
    /// one socket, which answers like the endpoint that was applied first.
    ///
    /// # Security
    ///
    /// Only processes of the same user can ask and are asked; the kernel tells the user of a process. They are asked
    /// with the `Authorization` header of the request, which each of them checks. A login therefore sees no more of a
    /// sibling than it would see there itself. A process of the same user that puts a socket there can read the
    /// header.
    ///
    /// On systems other than Linux this setting has no effect, and `/fleet` says so.
    #[cfg(feature = "siblings")]
    pub fn siblings(self, directory: impl Into<std::path::PathBuf>) -> Self {
        Self { siblings: Siblings::of_process(directory.into()), ..self }
    }

    /// Serves `/fleet?scope=peers` for this instance and for all instances in `peers`, and answers their requests.
    ///
    /// For each request, every peer is asked for its overview, 8 at once. A peer has 2 seconds to answer. All peers
    /// together have 5 seconds, or three quarters of [`Limits::deadline`](crate::Limits::deadline) if that is shorter.
    /// Peers that have not answered by then are listed as missing.
    ///
    /// Prefer a scraper that finds the instances, or the command `memory-debug fleet`: then no instance has to reach
    /// another. This setting is for deployments whose operators can reach only the balancer.
    ///
    /// # Security
    ///
    /// A login that may see names of types here sees the names of all peers, which do not check its role again. Peers
    /// get their own secret, never the client's credentials, and `force` is not passed on. A peer does not ask
    /// further peers. While the secret is also an operator's password, no peer is asked. Redirects are not followed,
    /// and replies are limited in length and time.
    #[cfg(feature = "peers")]
    pub fn peers(mut self, peers: Peers) -> Self {
        self.gate.peers = Some(peers.accepted().clone());
        Self { peers: Some(Arc::new(peers.of_endpoint())), ..self }
    }

    /// Starts the sibling listener. Does nothing if no siblings are configured or it is already running. Returns
    /// immediately. Adapters call it when they are applied. If the directory is refused, an audit event and `/fleet`
    /// report the reason.
    pub fn listen(&self) {
        if let Some(siblings) = &self.siblings {
            siblings.start(|| Arc::new(ForSiblings(Self { siblings: None, ..self.clone() })));
        }
    }

    /// Refuses requests that did not arrive over TLS, except from this machine. They get a constant 403 before the
    /// password is checked. If the adapter does not know whether a connection has TLS, it counts as plain HTTP.
    pub fn require_tls(self) -> Self {
        self.plain_http(PlainHttp::Refuse)
    }

    /// Allows plain HTTP on purpose. Without this setting, an audit event warns of it once per process.
    pub fn allow_plain_http(self) -> Self {
        self.plain_http(PlainHttp::Allow)
    }

    /// Trusts the header `X-Forwarded-Proto` to tell whether the client's connection has TLS.
    ///
    /// # Security
    ///
    /// Use it only behind a proxy that always sets the header, whatever the client sent. Otherwise clients can claim
    /// TLS.
    pub fn trust_forwarded_proto(mut self) -> Self {
        self.gate.transport.trusts_forwarded_proto = true;
        self
    }

    fn plain_http(mut self, plain_http: PlainHttp) -> Self {
        self.gate.transport = Transport { plain_http, ..self.gate.transport };
        self
    }

    /// Hides the page. A request without valid credentials gets the application's own answer without a challenge, as if
    /// there were no page. Browsers therefore never ask for the password; `curl -u` and scrapers send it unasked.
    ///
    /// # Security
    ///
    /// This is obscurity in addition to the password, not instead of it. Response times may still reveal the page.
    pub fn hide(self) -> Self {
        Self { is_hidden: true, ..self }
    }

    /// The path of the overview. All other pages are below it.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.base.as_str()
    }

    /// The paths of [`pprof_aliases`](Self::pprof_aliases), which are not below [`base_path`](Self::base_path). Empty
    /// without that setting. For adapters that mount each path separately.
    #[must_use]
    pub fn alias_paths(&self) -> &'static [&'static str] {
        if self.has_pprof_aliases { &alias::PATHS } else { &[] }
    }

    /// Whether requests for `path` are for this endpoint. All other requests belong to the application. Adapters ask
    /// this for every request of the service, so it only compares the path with a few others.
    #[inline]
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.base.below(path).is_some() || self.is_alias(path)
    }

    fn is_alias(&self, path: &str) -> bool {
        self.has_pprof_aliases && alias::PATHS.contains(&path)
    }
}
