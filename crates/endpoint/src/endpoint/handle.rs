//! The way from a request to its reply: all checks, in their documented order.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use memory_debug_core::instance_id;
use memory_debug_fleet::Neighbours;

use super::Endpoint;
use crate::audit;
use crate::auth::cross_site::{self, CrossSite};
use crate::auth::{Authorized, Refusal, Role};
use crate::fleet::{Caller, FleetMembers, FleetScope, HOP};
use crate::html::{self, Site};
use crate::parts::RequestParts;
use crate::problem_form::ProblemForm;
use crate::reply::{Format, Problem, Reply};
use crate::reply_future::{Draft, Reading, ReplyFuture};
use crate::request::{Asking, Head, IfMatch, PathId, Query, negotiate, negotiate_problem};
use crate::request_body::{self, RequestBody};
use crate::route::{Found, Operation, Read, ReadBody, paths};
use crate::view::{PageRequest, RenderRequest};

/// A request that passed all checks of its head.
enum Request {
    /// A page, and the processes that it asks.
    Page(RenderRequest, Option<Arc<dyn Neighbours>>),
    /// A request whose page is described by its body.
    WithBody(Draft),
    /// A request that needs no work.
    Answered(Reply),
}

/// The part of a request that has the page's parameters.
enum Source {
    /// The head, which has been read.
    Page(Result<Arc<dyn PageRequest>, Problem>),
    /// The body, which this function will read.
    Body(ReadBody),
}

impl Request {
    fn format(&self) -> Format {
        match self {
            Self::Page(request, _) => request.format,
            Self::WithBody(draft) => draft.format,
            Self::Answered(_) => Format::Text,
        }
    }
}

impl Endpoint {
    /// Answers a request without blocking, because long work runs on another thread. Few operations read a body, and
    /// only after all other checks have passed: [`ReplyFuture::needs_body`].
    ///
    /// Every request without authorization gets the same constant 401 before anything else about it is examined,
    /// except that the answer to `HEAD` has no body. Only two checks come before the password. One is whether plain
    /// HTTP is refused (403). The other is whether the address has guessed too often at a weak password (429). If the
    /// page [hides](Self::hide), the application answers all these requests: see [`ReplyFuture::is_for_application`].
    pub fn handle(&self, parts: RequestParts<'_>) -> ReplyFuture {
        let now = Instant::now();
        match self.gate.pass(&parts, now) {
            Ok(proof) => {
                // After a fork the child has no listener yet.
                self.listen();
                let outcome = self.answer(&parts, &proof).with_instance(instance_id());
                let role = if proof.is_peer() { "peer" } else { proof.role().as_str() };
                self.audit.authorized(&parts, proof.user(), role, outcome.status());
                if self.gate.should_warn_about_plain_http(&parts) {
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

    fn refuse(&self, parts: &RequestParts<'_>, refusal: Refusal) -> ReplyFuture {
        if self.is_hidden { ReplyFuture::hidden() } else { ready(parts, Reply::refusal(refusal)) }
    }

    fn answer(&self, parts: &RequestParts<'_>, proof: &Authorized) -> ReplyFuture {
        let accept = (parts.headers)("accept");
        let reply = match self.check(parts, &accept, proof) {
            Ok(Request::Page(request, _)) if parts.method == "HEAD" => {
                Reply::page(request.format, Bytes::new())
            }
            Ok(Request::Answered(reply)) => reply,
            Ok(request) => {
                let form = self.problem_form(parts, request.format(), proof);
                match self.start(request, &form, proof) {
                    Ok(outcome) => return outcome,
                    Err(problem) => form.reply(&problem),
                }
            }
            Err(problem) => {
                let format = negotiate_problem(parts.query, &accept);
                self.problem_form(parts, format, proof).reply(&problem)
            }
        };
        ready(parts, reply)
    }

    /// Starts the work for a request. Problems that appear later are written in `form`.
    fn start(
        &self,
        request: Request,
        form: &ProblemForm,
        proof: &Authorized,
    ) -> Result<ReplyFuture, Problem> {
        match request {
            Request::Page(request, neighbours) => match request.page.watch() {
                Some(watch) => self
                    .flights
                    .grow(&request, watch, proof)
                    .map(|growth| ReplyFuture::growing(growth, form.clone())),
                None => self
                    .flights
                    .join_with(request, neighbours, proof)
                    .map(|waiting| ReplyFuture::waiting(waiting, form.clone())),
            },
            Request::Answered(reply) => Ok(ReplyFuture::ready(reply)),
            Request::WithBody(draft) => {
                let body = RequestBody::new(self.flights.await_body(proof)?);
                let flights = Arc::clone(&self.flights);
                let (form, proof) = (form.clone(), proof.clone());
                Ok(ReplyFuture::reading(Reading { body, draft, form, flights, proof }))
            }
        }
    }

    /// The form of a problem, if the page was requested in `format`. For all paths that `go tool pprof` may request, the
    /// problem has a format that the tool shows.
    fn problem_form(&self, parts: &RequestParts<'_>, format: Format, proof: &Authorized) -> ProblemForm {
        let is_heap = self.base.below(parts.path) == Some("/heap");
        if is_heap && format != Format::Json || self.is_alias(parts.path) {
            return ProblemForm::from(Format::Pprof);
        }
        ProblemForm::new(format, || self.site(parts, proof))
    }

    /// The place of the requested page.
    pub(super) fn site(&self, parts: &RequestParts<'_>, proof: &Authorized) -> Option<Site> {
        let rest = self.base.below(parts.path).unwrap_or_default();
        let site = html::site(self.base_path(), rest, proof.user(), proof.role().as_str());
        let site = site.map(|site| if self.monitor.is_some() { html::with_monitor(site) } else { site });
        site.map(|site| if self.tracer.is_some() { html::with_tracer(site) } else { site })
    }

    /// Checks the head of a request in the documented order: origin, path, method, parameters, instance, format, role,
    /// type and length of the body.
    fn check(
        &self,
        parts: &RequestParts<'_>,
        accept: &[&[u8]],
        proof: &Authorized,
    ) -> Result<Request, Problem> {
        let is_alias = self.is_alias(parts.path);
        let rest = self.base.below(parts.path).filter(|_| !is_alias);
        match cross_site::examine(parts) {
            CrossSite::Request => return Err(Problem::CrossSite),
            CrossSite::Link => {
                if let Some(page) = self.page_before_link(parts, accept, proof)? {
                    return Ok(Request::Answered(page));
                }
            }
            CrossSite::No => {}
        }
        if let Some(asset) = rest.and_then(|rest| html::asset(parts.method, rest)) {
            return if proof.is_peer() { Err(Problem::PeersOwn) } else { Ok(Request::Answered(asset)) };
        }
        let (operation, id) = self.find(parts, rest)?;

        let max_rows = self.flights.limits().max_rows;
        // A peer asks others for as many rows as it shows itself, and accepts fewer.
        let may_ask_for = if proof.is_peer() { usize::MAX } else { max_rows };
        let mut query = Query::parse(operation.parameters, parts.query, may_ask_for, max_rows);
        let named_format = query.format(operation.formats);
        let force = query.flag("force");
        let instance = query.instance();
        let knows_types = proof.role() >= self.role_for_types;
        let neighbours = RefCell::new(None);
        let fleet = |scope| {
            let found = self.neighbours(parts, scope)?;
            let members = self.members(parts, scope, &*found);
            neighbours.replace(Some(found));
            Ok(members)
        };
        let (monitor, tracer) = (self.monitor.as_ref(), self.tracer.as_ref());
        let format = named_format;
        let mut asking = Asking { query, format, id, knows_types, max_rows, monitor, tracer, fleet: &fleet };
        let source = match operation.read {
            Read::Head(read) => Source::Page(read(&mut asking)),
            Read::HeadOrForm(read, read_form) => {
                let page = read(&mut asking);
                let is_form = request_body::is_of(parts, request_body::FORM);
                if is_form { Source::Body(read_form) } else { Source::Page(page) }
            }
            Read::Body(read) => Source::Body(read),
            Read::BodyOrForm(read, read_form) => {
                Source::Body(if request_body::is_of(parts, request_body::FORM) { read_form } else { read })
            }
        };
        asking.query.finish()?;

        let own = instance_id();
        if instance.is_some_and(|instance| instance != own) {
            return Err(Problem::WrongInstance(own));
        }
        let offered = operation.formats;
        // Go ignores `Accept`, and scrapers of its profiles may send anything.
        let accept = if is_alias { &[] } else { accept };
        let format = named_format.or_else(|| negotiate(accept, offered));
        let format = format.ok_or(Problem::NotAcceptable { offered })?;

        let names_types = match &source {
            Source::Page(Ok(page)) => page.names_types(operation.names_types),
            Source::Page(Err(_)) | Source::Body(_) => operation.names_types,
        };
        self.check_role(operation, names_types, force, parts, proof)?;

        let kind = operation.kind;
        let shows_host = self.shows_host;
        let site = if format == Format::Html { self.site(parts, proof) } else { None };
        match source {
            Source::Body(read) => {
                request_body::check(parts, read.content_type())?;
                let if_match = IfMatch::read(&(parts.headers)("if-match"));
                let (query, head) = (asking.query, Head { if_match, tracer: self.tracer.clone() });
                let draft = Draft { read, query, head, kind, format, force, shows_host, site };
                Ok(Request::WithBody(draft))
            }
            Source::Page(_) if format == Format::Raw && !self.gives_addresses => {
                Err(Problem::RawAddressesOff)
            }
            Source::Page(page) => {
                let page = page?;
                let kind = page.kind(kind);
                if let Some(reply) = site.as_ref().and_then(|site| page.at_once(site)) {
                    return Ok(Request::Answered(reply));
                }
                let request = RenderRequest { page, kind, format, force, shows_host, site };
                Ok(Request::Page(request, neighbours.take()))
            }
        }
    }

    /// Finds the row of the route table for the path and method.
    fn find(
        &self,
        parts: &RequestParts<'_>,
        rest: Option<&str>,
    ) -> Result<(&'static Operation, PathId), Problem> {
        let found = match rest {
            Some(rest) => Operation::find(parts.method, rest),
            None if self.is_alias(parts.path) => Operation::find_alias(parts.method, parts.path),
            None => Found::Nothing,
        };
        match found {
            Found::Operation(operation, id) => Ok((operation, id)),
            Found::Methods(allowed) => Err(Problem::MethodNotAllowed { allowed }),
            Found::Nothing => Err(Problem::UnknownPath { known: paths(self.base_path()) }),
        }
    }

    fn check_role(
        &self,
        operation: &Operation,
        names_types: bool,
        force: bool,
        parts: &RequestParts<'_>,
        proof: &Authorized,
    ) -> Result<(), Problem> {
        let needed = if force {
            Role::Profile
        } else if proof.is_peer() {
            // The peer has already checked whether its client may see the names of types.
            if !operation.is_for_peers || !has_hop(parts) {
                return Err(Problem::PeersOwn);
            }
            Role::Read
        } else {
            operation.role(names_types, self.role_for_types)
        };
        let held = proof.role();
        if held < needed { Err(Problem::ForbiddenRole { needed, held }) } else { Ok(()) }
    }

    /// The processes to ask for a fleet, if they are configured and this request may ask them.
    fn neighbours(
        &self,
        parts: &RequestParts<'_>,
        scope: FleetScope,
    ) -> Result<Arc<dyn Neighbours>, Problem> {
        if has_hop(parts) {
            return Err(Problem::SecondHop);
        }
        if scope == FleetScope::Host {
            let siblings = self.siblings.as_ref().ok_or_else(Problem::no_siblings)?;
            return Ok(Arc::clone(siblings) as Arc<dyn Neighbours>);
        }
        let peers = self.peers.as_ref().filter(|peers| !peers.is_empty()).ok_or_else(Problem::no_peers)?;
        // Checked for each request, because credentials files can change.
        if peers.share_a_password_with(&self.gate.credentials) {
            return Err(Problem::peers_share_a_password());
        }
        Ok(Arc::clone(peers) as Arc<dyn Neighbours>)
    }

    /// A comparable description of `neighbours`, with the credential for asking them.
    fn members(
        &self,
        parts: &RequestParts<'_>,
        scope: FleetScope,
        neighbours: &dyn Neighbours,
    ) -> FleetMembers {
        // An authorized request has exactly one such header. Peers never see it.
        let caller = || Caller::new((parts.headers)("authorization").concat());
        FleetMembers {
            scope,
            neighbours: neighbours.id(),
            caller: (scope == FleetScope::Host).then(caller),
            base: self.base_path().to_owned(),
        }
    }
}

/// Whether another instance sent the request on behalf of its own client.
fn has_hop(parts: &RequestParts<'_>) -> bool {
    !(parts.headers)(HOP).is_empty()
}

fn ready(parts: &RequestParts<'_>, reply: Reply) -> ReplyFuture {
    ReplyFuture::ready(if parts.method == "HEAD" { reply.without_body() } else { reply })
}
