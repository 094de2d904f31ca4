//! The endpoint: settings, and from a request to its reply.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use memory_debug_core::instance_id;

use crate::audit::{self, Audit};
use crate::auth::Authorized;
use crate::auth::Credentials;
use crate::auth::Role;
use crate::auth::cross_site;
use crate::auth::{Gate, Refusal};
use crate::auth::{PlainHttp, Transport};
use crate::collect::Collect;
use crate::config_error::ConfigError;
use crate::fleet::{Caller, FleetScope, FleetWanted, HOP, Whom};
use crate::flight::{Flights, ServiceName};
use crate::limits::Limits;
use crate::parts::RequestParts;
use crate::peers::Peers;
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::reply_future::{Outcome, Reading};
use crate::request::BasePath;
use crate::request::Draft;
use crate::request::IfMatch;
use crate::request::Query;
use crate::request::alias;
use crate::request::{negotiate, negotiate_problem};
use crate::request_body::{self, RequestBody};
use crate::route::{Found, Operation, What, paths};
use crate::siblings::Siblings;
use crate::view::View;
use crate::wanted::{HeapWanted, Wanted};

/// The memory page of one process, behind basic authentication.
///
/// Building it stores settings: no thread, no file, no allocator call before the first request with the right
/// credentials. Clones share collections, and so do endpoints made with equal settings, so however many there are, one
/// of a kind runs at a time.
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
    siblings: Option<Arc<Siblings>>,
    peers: Option<Arc<Peers>>,
}

/// What the reports are about.
#[derive(Clone, Debug)]
enum Source {
    /// This process, under that name.
    Process(ServiceName),
    /// Whatever the given collector collects.
    Other,
}

/// What the head of a request asks for.
enum Asked {
    View(View),
    /// What the body describes.
    Change(Draft),
}

impl Asked {
    fn format(&self) -> Format {
        match self {
            Self::View(view) => view.format,
            Self::Change(draft) => draft.format,
        }
    }
}

impl Endpoint {
    /// An endpoint at `/debug/memory` with default limits.
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
            siblings: None,
            peers: None,
        }
    }

    /// Mounts it elsewhere.
    ///
    /// # Errors
    ///
    /// If `path` is not an absolute path of plain segments, like `/internal/memory`.
    pub fn path(self, path: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self { base: BasePath::parse(path.as_ref())?.beside(self.alias_paths()), ..self })
    }

    /// Names the service in each report; replaces what [`collect_with`](Self::collect_with) set.
    pub fn service(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        let service = Some((name.into(), version.into()));
        let flights = Flights::of_process(&service, self.flights.limits().clone());
        Self { source: Source::Process(service), flights, ..self }
    }

    /// Gets its reports from `collect` instead of this process's [`Collector`](memory_debug_core::Collector).
    pub fn collect_with(self, collect: impl Collect) -> Self {
        let flights = Flights::new(Arc::new(collect), self.flights.limits().clone());
        Self { source: Source::Other, flights: Arc::new(flights), ..self }
    }

    /// Bounds what requests may cost.
    pub fn limits(self, limits: Limits) -> Self {
        let flights = match &self.source {
            Source::Process(service) => Flights::of_process(service, limits),
            Source::Other => Arc::new(self.flights.with_limits(limits)),
        };
        Self { flights, ..self }
    }

    /// Sets the role that a login needs to see names of types and call sites; [`Role::Read`] by default. With
    /// [`Role::Profile`], other logins see `/stats` only.
    pub fn role_for_types(self, role: Role) -> Self {
        Self { role_for_types: role, ..self }
    }

    /// Leaves the host's name out of all pages. In a container it is usually the name of the pod.
    pub fn hide_host(self) -> Self {
        Self { shows_host: false, ..self }
    }

    /// Gives `/heap?format=raw`, jemalloc's own heap dump for `jeprof`, to logins of [`Role::Profile`]. Without this
    /// setting the page is refused.
    ///
    /// # Security
    ///
    /// No other page contains addresses of this process. Addresses show where its code is. Address space layout
    /// randomisation hides exactly that from an attacker who exploits another fault. The dump also contains the paths
    /// of the program's files.
    pub fn allow_raw_addresses(self) -> Self {
        Self { gives_addresses: true, ..self }
    }

    /// Also answers `/debug/pprof/heap` and `/debug/pprof/allocs`, where Go services have their profiles and scrapers
    /// look for them by default. These paths stay the same wherever the page is mounted. They are `/heap` for pprof,
    /// with the same password, role and limits.
    ///
    /// As in Go, `debug=1` is text, `seconds` is growth, `gc` changes nothing (there is nothing to collect) and `Accept`
    /// is ignored. `allocs` makes readers show first what was ever allocated, but only if jemalloc counts it
    /// (`prof_accum:true`). Otherwise it equals `heap`.
    pub fn pprof_aliases(self) -> Self {
        let with = Self { has_pprof_aliases: true, ..self };
        Self { base: with.base.clone().beside(with.alias_paths()), ..with }
    }

    /// Answers `/fleet` for all processes of this host that name the same directory: those of one port
    /// (`SO_REUSEPORT`), workers forked from one process, or several behind a local balancer. Each listens on a Unix
    /// socket in it, and whichever is asked asks the others.
    ///
    /// The directory is made if it is not there, below one that is, with mode 0700; it is refused if it is a link,
    /// another user's, or open to others. The socket and the one thread that waits at it are there from when an adapter
    /// applies this endpoint ([`listen`](Self::listen)). A forked process has its own from its first request for the page
    /// on; until then it is not in the sums. Endpoints of one process with the same directory share one socket, which
    /// answers as the first of them that was applied.
    ///
    /// # Security
    ///
    /// Only processes of the same user are listened to and asked, as the kernel tells it. They are asked with the
    /// `Authorization` header of the request, which each of them checks: so a login sees no more of a sibling than it
    /// would see there itself, and whoever runs as this user and puts a socket there can read the header.
    ///
    /// On other systems than Linux it changes nothing, and `/fleet` answers so.
    #[cfg(feature = "fleet")]
    pub fn siblings(self, directory: impl Into<std::path::PathBuf>) -> Self {
        Self { siblings: Siblings::of_process(directory.into()), ..self }
    }

    /// Answers `/fleet?scope=peers` for this instance and for those that `peers` names, wherever they are; and answers
    /// them. Each is asked for its overview at the time of the request, 8 at once, and has 2 seconds, all together 5, or
    /// three quarters of [`Limits::deadline`](crate::Limits::deadline): who has not answered by then is named as missing.
    ///
    /// The better ways are a scraper that finds the instances, and the command `memory-debug fleet`: with them no
    /// instance can reach another. This is for where operators reach the balancer alone.
    ///
    /// # Security
    ///
    /// Whoever may ask for names of types here gets them of all peers, which do not ask again what the role is. Peers are
    /// sent their secret, never what the caller sent, and `force` is not passed on. A peer that was asked asks nobody.
    /// While the secret is an operator's password as well, nobody is asked. Redirects are not followed, and what is
    /// answered is bounded in length and time.
    #[cfg(feature = "peers")]
    pub fn peers(mut self, peers: Peers) -> Self {
        self.gate.peers = Some(peers.accepted().clone());
        Self { peers: Some(Arc::new(peers)), ..self }
    }

    /// Begins to listen for siblings, if it has any, unless it does already; otherwise it does nothing. Returns at once.
    /// For adapters, when they are applied. A directory that is refused is told by the audit and by `/fleet`.
    pub fn listen(&self) {
        if let Some(siblings) = &self.siblings {
            siblings.start(|| Self { siblings: None, ..self.clone() });
        }
    }

    /// Refuses requests that did not come over TLS, unless from this machine: with a constant 403, before the password
    /// is looked at. What the adapter does not know about a connection counts as not being so.
    pub fn require_tls(self) -> Self {
        self.plain_http(PlainHttp::Refuse)
    }

    /// Says that plain HTTP is meant to be, and silences the audit event that warns of it, once in the life of the
    /// process.
    pub fn allow_plain_http(self) -> Self {
        self.plain_http(PlainHttp::Allow)
    }

    /// Believes the header `X-Forwarded-Proto` about the client's connection.
    ///
    /// # Security
    ///
    /// Only behind a proxy that sets the header, whatever the client sent: otherwise clients claim what they like.
    pub fn trust_forwarded_proto(mut self) -> Self {
        self.gate.transport.trusts_forwarded_proto = true;
        self
    }

    fn plain_http(mut self, plain_http: PlainHttp) -> Self {
        self.gate.transport = Transport { plain_http, ..self.gate.transport };
        self
    }

    /// Hides the page: who cannot prove to be authorized gets the application's own answer, as if there were no page,
    /// and no challenge. Browsers then never ask for the password; `curl -u` and scrapers send it unasked.
    ///
    /// # Security
    ///
    /// This is obscurity, on top of the password and not instead of it: the time that an answer takes may still tell.
    pub fn hide(self) -> Self {
        Self { is_hidden: true, ..self }
    }

    /// The path of the overview; all other pages lie below it.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.base.as_str()
    }

    /// The paths beside those below [`base_path`](Self::base_path), for adapters that mount each path by itself: those of
    /// [`pprof_aliases`](Self::pprof_aliases), or none.
    #[must_use]
    pub fn alias_paths(&self) -> &'static [&'static str] {
        if self.has_pprof_aliases { &alias::PATHS } else { &[] }
    }

    /// Whether requests for `target`, a path with or without its query, need [`matches`](Self::matches) to tell whose
    /// they are. If not, they belong to the application. For adapters, which ask this of every request.
    #[inline]
    #[must_use]
    pub fn may_match(&self, target: &str) -> bool {
        self.base.may_hold(target)
    }

    /// Whether requests for `path` are for this endpoint. All others belong to the application.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.base.below(path).is_some() || self.is_alias(path)
    }

    /// Answers a request. Returns without blocking; what takes long happens on another thread. One operation takes a
    /// body, which is asked for after all else was right: [`Outcome::needs_body`].
    ///
    /// Whoever is not authorized gets the same 401 whatever the request was, before anything else is looked at; only
    /// that an answer to HEAD has no body. Before the password comes the question whether plain HTTP is refused (403),
    /// and with a weak password whether too many wrong ones came from there (429). Of a page that hides, these are the
    /// application's to answer: ask [`Outcome::is_for_application`].
    pub fn handle(&self, parts: RequestParts<'_>) -> Outcome {
        let now = Instant::now();
        match self.gate.pass(&parts, now) {
            Ok(proof) => {
                // After a fork the child has no listener yet.
                self.listen();
                let outcome = self.answer(&parts, &proof).of_instance(instance_id());
                self.audit.authorized(&parts, &proof, outcome.status());
                if self.gate.deplores(&parts) {
                    audit::plain_http(&parts);
                }
                outcome
            }
            Err(refusal) => {
                let outcome = self.refuse(&parts, refusal);
                self.audit.refused(&parts, refusal.outcome(), outcome.status(), now);
                outcome
            }
        }
    }

    fn refuse(&self, parts: &RequestParts<'_>, refusal: Refusal) -> Outcome {
        if self.is_hidden { Outcome::hidden() } else { ready(parts, refusal.reply()) }
    }

    fn answer(&self, parts: &RequestParts<'_>, proof: &Authorized) -> Outcome {
        let accept = (parts.headers)("accept");
        let reply = match self.asked(parts, &accept, proof) {
            Ok(Asked::View(view)) if parts.method == "HEAD" => Reply::page(view.format, Bytes::new()),
            Ok(asked) => {
                let format = self.problem_format(parts, asked.format());
                match self.start(asked, format, proof) {
                    Ok(outcome) => return outcome,
                    Err(problem) => Reply::problem(&problem, format),
                }
            }
            Err(problem) => {
                let format = negotiate_problem(parts.query, &accept);
                Reply::problem(&problem, self.problem_format(parts, format))
            }
        };
        ready(parts, reply)
    }

    /// Begins to do what is asked for. What goes wrong later is told in `format`.
    fn start(&self, asked: Asked, format: Format, proof: &Authorized) -> Result<Outcome, Problem> {
        match asked {
            Asked::View(view) => match view.wanted {
                Wanted::Heap(heap @ HeapWanted { span: Some(span), .. }) => {
                    self.flights.grow(view, heap, span, proof).map(|growth| Outcome::growing(growth, format))
                }
                _ => self.flights.join(view, proof).map(|waiting| Outcome::waiting(waiting, format)),
            },
            Asked::Change(draft) => {
                let (body, flights) =
                    (RequestBody::new(self.flights.await_body(proof)?), Arc::clone(&self.flights));
                Ok(Outcome::reading(Reading { body, draft, flights, proof: proof.clone() }))
            }
        }
    }

    /// The format of an error where this one was asked for. Whatever `go tool pprof` may ask for has one that it shows.
    fn problem_format(&self, parts: &RequestParts<'_>, format: Format) -> Format {
        let is_heap = self.base.below(parts.path) == Some("/heap");
        if is_heap && format != Format::Json || self.is_alias(parts.path) { Format::Pprof } else { format }
    }

    fn is_alias(&self, path: &str) -> bool {
        self.has_pprof_aliases && alias::PATHS.contains(&path)
    }

    /// What the request asks for, checked in the documented order: whose page asks, path, method, parameters, format,
    /// role, type and length of the body.
    fn asked(
        &self,
        parts: &RequestParts<'_>,
        accept: &[&[u8]],
        proof: &Authorized,
    ) -> Result<Asked, Problem> {
        let is_alias = self.is_alias(parts.path);
        let rest = self.base.below(parts.path).filter(|_| !is_alias);
        if cross_site::is_refused(parts, rest == Some("")) {
            return Err(Problem::CrossSite);
        }
        let found = match rest {
            Some(rest) => Operation::find(parts.method, rest),
            None if is_alias => Operation::find_alias(parts.method, parts.path),
            None => Found::Nothing,
        };
        let (operation, id) = match found {
            Found::Operation(operation, id) => (operation, id),
            Found::Methods(allowed) => return Err(Problem::MethodNotAllowed { allowed }),
            Found::Nothing => return Err(Problem::UnknownPath { known: paths(self.base_path()) }),
        };
        // A peer asks all for as many rows as it gives itself, and takes fewer.
        let max_rows = self.flights.limits().max_rows;
        let may_ask_for = if proof.is_peer() { usize::MAX } else { max_rows };
        let mut query = Query::parse(operation, parts.query, may_ask_for)?;
        query.types.top = query.types.top.min(max_rows);
        let own = instance_id();
        if query.instance.is_some_and(|instance| instance != own) {
            return Err(Problem::WrongInstance(own));
        }
        let offered = operation.formats;
        // Go does not look at `Accept`, and scrapers of its profiles may send anything.
        let accept = if is_alias { &[] } else { accept };
        let format = query.format.or_else(|| negotiate(accept, offered));
        let format = format.ok_or(Problem::NotAcceptable { offered })?;
        let needed = match (query.force, query.series) {
            (true, _) => Role::Profile,
            // Whether names of types may be known was for the peer to ask, of whoever asked it.
            (false, _) if proof.is_peer() && operation.is_for_peers() && has_hop(parts) => Role::Read,
            (false, _) if proof.is_peer() => return Err(Problem::PeersOwn),
            // Metrics are numbers until they are asked for by type.
            (false, 1..) => self.role_for_types,
            (false, 0) => operation.role(self.role_for_types),
        };
        let held = proof.role();
        if held < needed {
            return Err(Problem::ForbiddenRole { needed, held });
        }
        let shows_host = self.shows_host;
        if operation.has_body() {
            request_body::check(parts)?;
            let if_match = IfMatch::read(&(parts.headers)("if-match"));
            return Ok(Asked::Change(Draft { if_match, format, shows_host }));
        }
        if format == Format::Raw && !self.gives_addresses {
            return Err(Problem::RawAddressesOff);
        }
        let wanted = match operation.what {
            What::Fleet => Wanted::Fleet(self.fleet(parts, &query)?),
            what => Wanted::new(what, id, &query, held >= self.role_for_types)?,
        };
        Ok(Asked::View(View { wanted, format, force: query.force, shows_host }))
    }

    /// Who is to be asked for the fleet, and on whose behalf.
    fn fleet(&self, parts: &RequestParts<'_>, query: &Query) -> Result<FleetWanted, Problem> {
        if has_hop(parts) {
            return Err(Problem::SecondHop);
        }
        let whom = match query.scope {
            FleetScope::Host => Whom::Siblings {
                siblings: Arc::clone(self.siblings.as_ref().ok_or_else(Problem::no_siblings)?),
                // Whoever comes here has exactly one.
                caller: Caller::new((parts.headers)("authorization").concat()),
                base: self.base_path().to_owned(),
            },
            FleetScope::Peers => Whom::Peers { peers: self.peers_to_ask()?, own: Arc::clone(&self.flights) },
        };
        Ok(FleetWanted { whom, rows: self.flights.limits().max_rows, types: query.types.clone() })
    }

    /// Those who may be sent the secret as things are.
    fn peers_to_ask(&self) -> Result<Arc<Peers>, Problem> {
        let peers = self.peers.as_ref().filter(|peers| !peers.is_empty()).ok_or_else(Problem::no_peers)?;
        // Files of logins change.
        if peers.share_a_password_with(&self.gate.credentials) {
            return Err(Problem::peers_share_a_password());
        }
        Ok(Arc::clone(peers))
    }
}

/// Whether it was sent on behalf of somebody who asked elsewhere.
fn has_hop(parts: &RequestParts<'_>) -> bool {
    !(parts.headers)(HOP).is_empty()
}

fn ready(parts: &RequestParts<'_>, reply: Reply) -> Outcome {
    Outcome::ready(if parts.method == "HEAD" { reply.without_body() } else { reply })
}
