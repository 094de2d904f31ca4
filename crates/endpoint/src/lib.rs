//! The memory debug endpoint without a framework.
//!
//! An adapter hands over [`RequestParts`] and gets an [`Outcome`], a future of a [`Reply`]; everything that matters
//! for security happens in between, in this order:
//!
//! 1. [`Endpoint::matches`]: is the path ours? If not, the request is the application's, untouched.
//! 2. If it [has to be](Endpoint::require_tls), did it come encrypted? Then [`authenticate`]: exactly one `Authorization`
//!    header with the right [`Credentials`], or a constant 401; or the application answers ([`Endpoint::hide`]).
//! 3. What a browser sends for another site's page is refused.
//! 4. Method, path, parameters and format; what is not understood is refused by name. Then the [`Role`].
//! 5. The body, where the operation takes one (`PUT /profiling`): its type and length, then as much of it as may be, as
//!    long as it may take ([`Outcome::poll_with_body`]). All other bodies are left unread.
//! 6. [`Limits`]: one collection of a kind at a time, shared by all who ask; deadline; bounded waiters and
//!    bodies; after failures in a row, a pause.
//! 7. [`Collect`]: on a thread of its own, made for the purpose and gone afterwards.
//!
//! [`Authorized`] is the proof of step 2. Collecting and rendering ask for it, so nobody can forget the step.
//!
//! # Example
//!
//! An adapter in full, with a request as an HTTP library might hand it over:
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
//! With the feature `tracing`, events of the target `memory_debug::audit` tell who asked and what it cost:
//!
//! | Event | Level | Fields |
//! |---|---|---|
//! | a request with the right password | info | `outcome`, `method`, `path`, `peer`, `user`, `role`, `status` unless the body or a collection decides it |
//! | a request without | warn | `outcome`, `method`, `path`, `peer`, `status`, `suppressed`: the events like it since the last, of which there is at most one a second |
//! | the first right password that others could read | warn | `outcome` (`plain-http-accepted`), `peer` |
//! | a file of logins was another one | info, warn if it is of no use | `outcome` (`credentials-replaced`, `credentials-kept`), `file` or `error` |
//! | the end of a collection, or of waiting for it | info, else warn | `outcome` (`collected`, `panicked`, `deadline-exceeded`, `late`, `insufficient-headroom`), `scope`, `duration_us` |
//! | siblings or peers were asked | info, warn if one is `tls`, `unauthorized` or `foreign` | `outcome` (`fleet-asked`), `scope`, `answered`, `missing`, `reasons` |
//! | siblings cannot be listened to | warn | `outcome` (`siblings-unavailable`), `reason` |
//! | a change of the profiler, made or refused | info, else warn | `outcome` (`profiling-changed`, `profiling-not-changed`), `user`, `change`, `version` or `status` |
//!
//! No event holds a header, a query or a password. Paths are escaped and cut, so that nobody can forge a line.
//!
//! # What it does not do
//!
//! It serves no HTTP and no TLS of its own but on the sockets of siblings, and writes nothing but these events.
//!
//! It has no lock-out for passwords that [`Credentials::new`] accepts, so generate them: a long password of common words
//! is accepted too. Guesses at weak passwords ([`Credentials::allow_weak`]) are limited by address.
//!
//! # Features
//!
#![doc = include_str!("../features.md")]
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
mod limits;
mod parts;
#[cfg_attr(not(feature = "peers"), path = "peers/disabled.rs")]
mod peers;
mod rate_limit;
mod reply;
mod reply_future;
mod request;
mod request_body;
mod route;
#[cfg(all(test, any(feature = "peers", all(feature = "siblings", target_os = "linux"))))]
#[path = "../../fleet/src/exchange/stranger.rs"]
mod stranger;
mod sync;
mod view;

pub use memory_debug_core;

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
pub use self::reply_future::Outcome;
