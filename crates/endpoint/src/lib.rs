//! The memory debug endpoint without a framework.
//!
//! An adapter passes [`RequestParts`] and gets a [`ReplyFuture`], a future of a [`Reply`]. In between, the endpoint
//! makes all security checks in this order:
//!
//! 1. [`Endpoint::matches`]: does the path belong to the endpoint? If not, the application answers the unchanged
//!    request.
//! 2. Is the connection encrypted, if [it must be](Endpoint::require_tls)? Then [`authenticate`]: the request needs
//!    exactly one `Authorization` header with the right [`Credentials`]. Otherwise it gets a constant 401, or the
//!    application answers ([`Endpoint::hide`]).
//! 3. Did a browser send the request on behalf of another site? Such a request is refused. If the user followed a
//!    link, it shows a page without data.
//! 4. Method, path, parameters and format. An error names what is wrong. Then the [`Role`].
//! 5. The body, for `PUT /profiling` and forms. Its type and length are checked first, then it is read up to a maximum
//!    length and time ([`ReplyFuture::poll_with_body`]). All other bodies are left unread.
//! 6. [`Limits`]: at most one collection of each kind at a time, which all requests share; a deadline; a maximum
//!    number of waiting requests and of bytes; a pause after repeated failures.
//! 7. [`Collect`]: on a thread that is created for the collection and ends with it.
//!
//! [`Authorized`] is the proof of step 2. Collecting and rendering require it, so the step cannot be forgotten.
//!
//! # Example
//!
//! An adapter in full, with a request as an HTTP library might pass it:
//!
//! ```
//! use memory_debug_endpoint::{Connection, Credentials, Endpoint, RequestParts};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let endpoint = Endpoint::new(Credentials::allow_weak("ops", "secret")?).service("shop", "1.4.2");
//! let headers = [("authorization", "Basic b3BzOnNlY3JldA=="), ("accept", "application/json")];
//!
//! let reply = endpoint
//!     .handle(RequestParts {
//!         method: "GET",
//!         authority: None,
//!         path: "/debug/memory/stats",
//!         query: None,
//!         headers: &|wanted| {
//!             headers.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| value.as_bytes()).collect()
//!         },
//!         connection: Connection { peer: Some([127, 0, 0, 1].into()), tls: None },
//!     })
//!     .await;
//! assert_eq!(reply.status, 200);
//! assert!(reply.body.starts_with(b"{"));
//! # Ok::<(), memory_debug_endpoint::CredentialsError>(())
//! # }).unwrap();
//! ```
//!
//! # Audit events
//!
//! With the feature `tracing`, events of the target `memory_debug::audit` record who sent requests and what they cost:
//!
//! | Event | Level | Fields |
//! |---|---|---|
//! | a request with the right password | info | `outcome`, `method`, `path`, `peer`, `user`, `role`, and `status` unless the body or a collection decides it |
//! | a request without the right password | warn | `outcome`, `method`, `path`, `peer`, `status`, `suppressed`: the number of such events left out since the last one; at most one is logged per second |
//! | the first right password that others could read | warn | `outcome` (`plain-http-accepted`), `peer` |
//! | the credentials file changed | info; warn if it is invalid | `outcome` (`credentials-replaced`, `credentials-kept`), `file` or `error` |
//! | a collection ended, or requests stopped waiting for it | info or warn | `outcome` (`collected`, `panicked`, `deadline-exceeded`, `late`, `insufficient-headroom`), `scope`, `duration_us` |
//! | siblings or peers were asked | info; warn if one is `tls`, `unauthorized` or `foreign` | `outcome` (`fleet-asked`), `scope`, `answered`, `missing`, `reasons` |
//! | the endpoint cannot listen for siblings | warn | `outcome` (`siblings-unavailable`), `reason` |
//! | the profiler was changed, or a change was refused | info or warn | `outcome` (`profiling-changed`, `profiling-not-changed`), `user`, `change`, `version` or `status` |
//! | the tracer was started or stopped, or a start was refused | info or warn | `outcome` (`trace-started`, `trace-stopped`, `trace-not-started`), `user`, `seconds`, and `status` of a refusal |
//! | a request failed because of a defect | warn | `outcome` (`internal-error`), `problem`, `error` |
//!
//! No event contains a header, a query or a password. Paths are escaped and cut, so a client cannot forge a log line.
//!
//! # What it does not do
//!
//! It serves neither HTTP nor TLS, except on the sockets of siblings. It writes nothing except these events.
//!
//! It does not lock out clients that guess passwords accepted by [`Credentials::new`]. Generate passwords, because a
//! long password of common words is accepted too. Guesses at weak passwords ([`Credentials::allow_weak`]) are limited
//! by address.
//!
//! # Features
//!
#![doc = include_str!("../features.md")]
//!
//! # Modules
//!
//! The modules, from the ground up:
//!
//! - `escape`: untrusted text, made printable and short
//! - `sync`: the locks, or their models under loom
//! - `rate_limit`: a limit on how often something happens
//! - `parts`: the parts of a request, as an adapter passes them
//! - `config_error`: errors of the settings
//! - `audit`: events for the log
//! - `auth`: authentication, which turns away requests before anything else is examined
//! - `collect`: the source of reports
//! - `limits`: the limits on what requests may cost
//! - `reply`: formats, headers and problems
//! - `fleet`: requests for the reports of several processes
//! - `html`: pages for browsers
//! - `problem_form`: how a problem is written
//! - `request`: paths, parameters and headers of requests
//! - `peers`: the settings for instances on other hosts
//! - `view`: the pages, one file each
//! - `flight`: shared collections, their limits and deadlines
//! - `request_body`: reads the body of a request, limited in length and time
//! - `route`: the table of pages
//! - `reply_future`: the future of a reply
//! - `endpoint`: the settings, and the way from a request to its reply
//! - `exports`: the names that every adapter re-exports
//!
//! The minimum supported Rust version is 1.88.

#![forbid(unsafe_code)]

mod audit;
mod auth;
mod collect;
mod config_error;
#[cfg(doctest)]
mod does_not_compile;
mod endpoint;
mod escape;
pub mod exports;
mod fleet;
mod flight;
#[cfg_attr(not(feature = "html"), path = "html/disabled.rs")]
mod html;
mod limits;
mod parts;
#[cfg_attr(not(feature = "peers"), path = "peers/disabled.rs")]
mod peers;
mod problem_form;
mod rate_limit;
mod reply;
mod reply_future;
mod request;
mod request_body;
mod route;
#[cfg(test)]
#[cfg(any(feature = "peers", all(feature = "siblings", target_os = "linux")))]
#[path = "../../fleet/src/exchange/stranger.rs"]
mod stranger;
mod sync;
mod view;

pub use memory_debug_core;
pub use memory_debug_fleet::is_loopback;

pub use self::auth::{
    Authorized, Credentials, CredentialsError, CredentialsErrorKind, Role, Unauthorized, authenticate,
    generate_password,
};
pub use self::collect::{Collect, Shortage};
pub use self::config_error::{ConfigError, ConfigErrorKind};
pub use self::endpoint::Endpoint;
pub use self::limits::Limits;
pub use self::parts::{Connection, RequestParts};
#[cfg(feature = "peers")]
pub use self::peers::Peers;
pub use self::reply::Reply;
pub use self::reply_future::ReplyFuture;
