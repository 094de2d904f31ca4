//! The HTTP client, which trusts no server.
//!
//! It follows no redirects, keeps no cookies and uses no proxy except `--proxy`. Each request has a deadline, and each
//! response a maximum length.

mod forward;

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use memory_debug_fleet::{Missing, Refusal, TlsFailure};
use memory_debug_report::{MemoryReport, MissingReason};
use serde::de::DeserializeOwned;
use ureq::http::Response as Answer;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, Body, Error};

use crate::connect::{Addresses, SharedConnector};
use crate::failure::Failure;
use crate::input;
use crate::login::Login;
use crate::proxy::Proxy;
use crate::target::{self, Target};

pub(crate) use forward::{Forwardable, Forwarded};

/// The longest response that the client reads. A profile of many thousand stacks takes a few MiB.
pub(crate) const MAX_BODY_BYTES: u64 = 64 << 20;

/// The most rows of one page.
const MAX_ROWS: usize = 1000;
const ALL_ROWS: &str = "1000";

/// The longest file of certificates. All authorities that a typical system trusts take a quarter of it.
const MAX_CA_BYTES: u64 = 1 << 20;

/// Sends requests to the memory pages of instances.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    tls: TlsConfig,
    connector: SharedConnector,
    proxy: Option<Proxy>,
    /// The Unix socket to connect to instead of the targets.
    #[cfg(unix)]
    socket: Option<Arc<Path>>,
    is_insecure: bool,
    timeout: Duration,
    /// The command-line option that set `timeout`, for the message.
    timeout_option: &'static str,
    max_body_bytes: u64,
}

/// One request for a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The path below the overview, such as `/types`. Empty for the overview itself.
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// The body.
    pub(crate) json: Option<&'a str>,
}

/// A response with any status.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str, query: &'a [(&'a str, &'a str)]) -> Self {
        Self::new("GET", path, query)
    }

    /// A change, without a body.
    pub(crate) fn new(method: &'a str, path: &'a str, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { method, path, query, json: None }
    }
}

impl Client {
    /// Makes a client that trusts the authorities in `ca_file`, or the system's authorities if it is `None`.
    ///
    /// # Errors
    ///
    /// If `ca_file` cannot be read or contains no certificate.
    pub(crate) fn new(
        timeout: Duration,
        is_insecure: bool,
        ca_file: Option<&Path>,
        proxy: Option<Proxy>,
    ) -> Result<Self, Failure> {
        let roots = match ca_file {
            Some(path) => RootCerts::Specific(Arc::new(read_certificates(path)?)),
            None => RootCerts::PlatformVerifier,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build();
        Ok(Self {
            tls,
            connector: SharedConnector::default(),
            proxy,
            #[cfg(unix)]
            socket: None,
            is_insecure,
            timeout,
            timeout_option: "--timeout",
            max_body_bytes: MAX_BODY_BYTES,
        })
    }

    /// Connects to a Unix socket instead of the targets.
    #[cfg(unix)]
    pub(crate) fn through(self, socket: &Path) -> Self {
        Self { socket: Some(socket.into()), ..self }
    }

    /// Whether connections stay on this machine, whatever the target is.
    fn has_socket(&self) -> bool {
        #[cfg(unix)]
        return self.socket.is_some();
        #[cfg(not(unix))]
        false
    }

    /// Changes the maximum length of responses.
    pub(crate) fn max_body_bytes(self, max_body_bytes: u64) -> Self {
        Self { max_body_bytes, ..self }
    }

    /// Returns a client that waits longer by `time`, for work that takes this time by request.
    pub(crate) fn with_more_time(&self, time: Duration) -> Self {
        Self { timeout: self.timeout.saturating_add(time), ..self.clone() }
    }

    /// Returns a client that waits at most `left`, the time until the deadline.
    pub(crate) fn at_most(&self, left: Duration) -> Self {
        let mut client = self.clone();
        if left < self.timeout {
            (client.timeout, client.timeout_option) = (left, "--deadline");
        }
        client
    }

    /// Makes the HTTP client for one request.
    fn agent(&self, resolver: Addresses) -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("memory-debug/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections(0)
            // The connector reuses its TLS configuration only if it is set on the agent and not on the request.
            .tls_config(self.tls.clone())
            .timeout_global(Some(self.timeout))
            .build();
        let route = self.connector.to(self.proxy.as_ref(), resolver.only);
        #[cfg(unix)]
        let route = self.socket.as_ref().map_or(route, |socket| self.connector.through(socket));
        Agent::with_parts(config, route, resolver)
    }

    /// Sends one request on a new connection.
    ///
    /// # Errors
    ///
    /// If no response arrives. A response with an error status counts as a success here.
    pub(crate) fn ask(
        &self,
        target: &Target,
        login: &Login,
        request: Request<'_>,
    ) -> Result<Response, Failure> {
        let head = ureq::http::Request::builder()
            .method(request.method)
            .uri(target.url(request.path, request.query))
            .header("authorization", login.caller().expose())
            .header("accept", "application/json, */*;q=0.5")
            .header("connection", "close");
        let mut response = match request.json {
            Some(json) => self.send(target, head.header("content-type", "application/json").body(json)),
            None => self.send(target, head.body(())),
        }?;
        Ok(Response { status: response.status().as_u16(), body: self.read(target, &mut response)? })
    }

    /// Sends one request on a new connection, and reads the head of the response.
    fn send(
        &self,
        target: &Target,
        request: Result<ureq::http::Request<impl AsSendBody>, ureq::http::Error>,
    ) -> Result<Answer<Body>, Failure> {
        target::require_private(target, self.is_insecure || self.has_socket(), self.proxy.is_some())?;
        if !target.is_plain_http() {
            require_time_for_certificates(SystemTime::now()).map_err(|failure| failure.at(target))?;
        }
        let resolver = Addresses {
            // A socket needs no address, so no name is looked up for it.
            only: if self.has_socket() { Some(([127, 0, 0, 1], 0).into()) } else { target.address() },
            must_be_loopback: self.must_stay_here(target),
            proxy: self.proxy.clone(),
        };
        let request = request.map_err(|error| Failure::usage(error.to_string()).at(target))?;
        self.agent(resolver).run(request).map_err(|error| self.failure(target, &error))
    }

    /// Reads the body of a response, up to the maximum length.
    fn read(&self, target: &Target, response: &mut Answer<Body>) -> Result<Vec<u8>, Failure> {
        let body = response.body_mut().with_config().limit(self.max_body_bytes).read_to_vec();
        body.map_err(|error| self.failure(target, &error))
    }

    /// Fetches a URL without sending the password.
    ///
    /// # Errors
    ///
    /// If there is no response, or its status is not 200.
    pub(crate) fn anonymous(&self, url: &str) -> Result<Vec<u8>, Failure> {
        let parsed = target::parse(url)?;
        let resolver = Addresses { only: None, must_be_loopback: false, proxy: self.proxy.clone() };
        let failed = |error| self.failure(&url, &error);
        let request = self.agent(resolver).get(String::from(parsed)).header("accept", "application/json");
        let mut response = request.call().map_err(failed)?;
        if response.status() != 200 {
            return Err(Failure::new(
                MissingReason::Refused,
                format!("{url}: answered {}", response.status()),
            ));
        }
        response.body_mut().with_config().limit(self.max_body_bytes).read_to_vec().map_err(failed)
    }

    /// Fetches a page.
    ///
    /// # Errors
    ///
    /// The errors of [`ask`](Self::ask), and a response with another status than 2xx.
    pub(crate) fn page(
        &self,
        target: &Target,
        login: &Login,
        request: Request<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let response = self.ask(target, login, request)?;
        match response.status {
            200..=299 => Ok(response.body),
            status => Err(refusal(target, login, status, &response.body)),
        }
    }

    /// Fetches a page and reads it as JSON.
    ///
    /// # Errors
    ///
    /// The errors of [`page`](Self::page), and a response that is not a `T` in JSON.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        target: &Target,
        login: &Login,
        request: Request<'_>,
    ) -> Result<T, Failure> {
        let body = self.page(target, login, request)?;
        serde_json::from_slice(&body).map_err(|error| {
            let message =
                format!("the response is not a report that this version of memory-debug can read ({error})");
            Failure::new(MissingReason::NoReport, message).at(target)
        })
    }

    /// Fetches the report of an instance, with as many rows as the instance allows.
    ///
    /// # Errors
    ///
    /// The errors of [`json`](Self::json).
    pub(crate) fn report(&self, target: &Target, login: &Login) -> Result<MemoryReport, Failure> {
        self.json(target, login, Request::get("", &[("format", "json"), ("top", ALL_ROWS)]))
    }

    /// Fetches the parts of an instance's report that `fleet` adds up. Uses little more memory than the length of the
    /// response.
    ///
    /// # Errors
    ///
    /// The errors of [`json`](Self::json).
    pub(crate) fn member(&self, target: &Target, login: &Login) -> Result<MemoryReport, Failure> {
        let body = self.page(target, login, Request::get("", &[("format", "json"), ("top", ALL_ROWS)]))?;
        MemoryReport::for_fleet(&body, MAX_ROWS)
            .map_err(|why| Failure::from(Missing::no_report(why)).at(target))
    }

    /// Whether the client may connect only to this machine. A name server could say that `localhost` is elsewhere.
    fn must_stay_here(&self, target: &Target) -> bool {
        target.is_plain_http() && !self.is_insecure
    }

    fn failure(&self, target: &dyn Display, error: &Error) -> Failure {
        let (reason, what) = match error {
            Error::Timeout(_) => {
                let seconds = self.timeout.as_secs_f64();
                let what =
                    format!("no answer in {seconds:.1} s; raise the limit with {}", self.timeout_option);
                (MissingReason::Deadline, what)
            }
            Error::HostNotFound => (MissingReason::Address, "found no address for the host name".to_owned()),
            Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                (MissingReason::Tls, format!("TLS: {error}"))
            }
            Error::Io(error) => (MissingReason::Unreachable, error.to_string()),
            Error::ConnectionFailed => {
                (MissingReason::Unreachable, "no process listens at this address".to_owned())
            }
            Error::Tls(what) => (MissingReason::Tls, format!("TLS: {what}")),
            Error::Rustls(error) => {
                let failure = TlsFailure::from(error);
                let advice = if failure == TlsFailure::Untrusted {
                    "; pass the certificate of its authority with --ca"
                } else {
                    ""
                };
                (MissingReason::Tls, format!("TLS: {}{advice}", failure.words()))
            }
            Error::ConnectProxyFailed(what) => {
                let advice = if what.ends_with("407") { PROXY_LOGIN } else { "" };
                (MissingReason::Unreachable, format!("the proxy {what}{advice}"))
            }
            Error::BodyExceedsLimit(limit) => {
                (MissingReason::TooLong, format!("the response is longer than {limit} bytes"))
            }
            other => (MissingReason::NoReport, format!("the response is not valid HTTP: {other}")),
        };
        let what = match &self.proxy {
            Some(proxy) => format!("{what} (through the proxy {proxy})"),
            None => what,
        };
        Failure::new(reason, what).at(target)
    }
}

/// The advice for a proxy that answers with status 407.
const PROXY_LOGIN: &str = "; it requires a login: set MEMORY_DEBUG_PROXY to http://USER:PASSWORD@HOST:PORT";

/// Checks that the clock is not before 1970, where rustls panics (rustls-pki-types 1.15, `UnixTime::now`).
fn require_time_for_certificates(now: SystemTime) -> Result<(), Failure> {
    if now < SystemTime::UNIX_EPOCH {
        return Err(Failure::new(MissingReason::Tls, format!("TLS: {}", TlsFailure::NO_TIME)));
    }
    Ok(())
}

/// The failure for a status other than 2xx, with advice.
fn refusal(target: &Target, login: &Login, status: u16, body: &[u8]) -> Failure {
    let said = said(body);
    let refusal = Refusal::of(status);
    let user = login.user();
    let what = match refusal {
        Refusal::Unauthorized => {
            format!("the login of {user} was rejected (401); check the user and the password")
        }
        Refusal::Forbidden => format!("{user} is not allowed to do this (403): {said}"),
        Refusal::NotFound if said.is_empty() => "page not found (404); check the path".to_owned(),
        Refusal::NotFound => format!("page not found (404): {said}; check the path"),
        Refusal::Redirect => {
            format!("answered with a redirect ({status}), which this command does not follow")
        }
        Refusal::Other if status == 407 => format!("the proxy answered 407{PROXY_LOGIN}"),
        Refusal::Busy | Refusal::Other => format!("answered {status}: {said}"),
    };
    // The instance did not refuse anything: the operator mistyped the path.
    let reason = if refusal == Refusal::NotFound { MissingReason::NoReport } else { refusal.reason() };
    Failure::new(reason, what.trim_end()).at(target)
}

/// The text of an error response: its `detail`, or else the beginning of its body.
fn said(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    let text = detail.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let shortened: String = text.trim().chars().take(300).collect();
    memory_debug_report::units::printable(&shortened)
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let failed = |what: &str| Failure::local(format!("--ca {}: {what}", path.display()));
    let pem = input::read(path, MAX_CA_BYTES).map_err(|failure| failed(&failure.message))?;
    let items: Result<Vec<_>, _> = parse_pem(&pem).collect();
    let items = items.map_err(|error| failed(&error.to_string()))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(failed("contains no certificate; it must have a block `-----BEGIN CERTIFICATE-----`"));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s64_response_text_is_escaped_and_shortened() {
        assert_eq!(said(b"{\"detail\": \"no\\u001b[2J\"}"), "no\\u{1b}[2J");
        assert_eq!(said(b" <html>\xff"), "<html>\u{fffd}");
        assert_eq!(said(&[b'x'; 1000]).len(), 300);
    }

    #[test]
    fn rejects_clock_before_1970_before_tls_panics() {
        let epoch = SystemTime::UNIX_EPOCH;
        assert!(require_time_for_certificates(epoch).is_ok());
        let failure = require_time_for_certificates(epoch - Duration::from_nanos(1)).unwrap_err();
        assert!(failure.to_string().contains("set the clock"), "{failure}");
    }

    #[test]
    fn rejects_file_without_certificates() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let failure = read_certificates(empty.path()).unwrap_err();
        assert!(failure.to_string().contains("no certificate"), "{failure}");
    }
}
