//! Asks many instances for their memory reports, and merges the answers.
//!
//! An instance with the memory debug endpoint asks its [`Neighbours`]: its siblings on the same host, or its peers on
//! other hosts. The command `memory-debug` asks instances in its own way and uses the same parts: [`FanOut`],
//! [`Lookup`], [`Missing`]. No answer of an instance is trusted, and each answer is limited in length and time.
//!
//! This crate is an implementation detail of `memory-debug-endpoint` and `memory-debug-cli`.
//!
//! # Modules, from the ground up
//!
//! - `loopback`: addresses of this machine
//! - `page_path`: the path of a page, and addresses without logins
//! - `random`: randomness and generated passwords
//! - `unseen`: invisible characters at the ends of a text
//! - `login`: the check that a login can be sent with basic authentication
//! - `deadline`: the time that is left until a deadline
//! - `permits`: a limit on how many threads do something at once
//! - `caller`: the credential and header of requests to instances
//! - `missing`: the reason why an instance is missing
//! - `tls`: TLS errors in our own words
//! - `wait`: waits for a future on a thread without a runtime
//! - `fan_out`: asks many instances, a limited number at a time, until a deadline
//! - `lookup`: name lookups with a deadline
//! - `neighbours`: the interface to siblings and peers
//! - `exchange`: one HTTP/1.1 request and its untrusted reply, on a connection with a deadline
//! - `serve`: the interface of a process to the requests of its siblings
//! - `siblings`: the processes of one host
//! - `peers`: instances on other hosts
//!
//! # Features
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `peers` | no | [`Peers`]: instances on other hosts |
//! | `siblings` | no | [`Siblings`]: the processes of one host (Linux) |
//! | `tls` | no | [`TlsFailure`]: TLS errors in our own words |

#![forbid(unsafe_code)]

mod caller;
mod deadline;
#[cfg(any(feature = "peers", all(feature = "siblings", target_os = "linux")))]
mod exchange;
mod fan_out;
mod login;
mod lookup;
mod loopback;
mod missing;
mod neighbours;
mod page_path;
#[cfg(feature = "peers")]
mod peers;
mod permits;
mod random;
mod serve;
#[cfg_attr(not(all(feature = "siblings", target_os = "linux")), path = "siblings/disabled.rs")]
mod siblings;
#[cfg(feature = "tls")]
mod tls;
mod unseen;
mod wait;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::exchange::fuzzing::*;
    pub use crate::peers::fuzzing::*;
}

pub use self::caller::{Caller, HOP_HEADER};
pub use self::deadline::time_left;
pub use self::fan_out::{Ask, FanOut, NoThread, Unanswered, Work};
pub use self::login::{LoginError, LoginErrorKind, MAX_PAIR_BYTES, check_login};
pub use self::lookup::{Lookup, LookupFailure, resolve};
pub use self::loopback::is_loopback;
pub use self::missing::{Missing, Refusal};
pub use self::neighbours::{CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport, PendingReport};
pub use self::page_path::{DEFAULT_PATH, page_path, page_path_defect, without_login};
#[cfg(feature = "peers")]
pub use self::peers::{PeerError, PeerErrorKind, Peers};
pub use self::permits::{Permit, Permits};
pub use self::random::{fill_random, generate_password};
pub use self::serve::{AnswerSiblings, SiblingReply, SiblingRequest};
pub use self::siblings::Siblings;
#[cfg(feature = "tls")]
pub use self::tls::TlsFailure;
pub use self::unseen::{Unseen, unseen};
pub use self::wait::wait;
