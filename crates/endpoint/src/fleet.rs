//! What a request for several processes wants, and how they are asked.
//!
//! Those of one host ([`siblings`](crate::siblings)) and those elsewhere ([`peers`](crate::peers)) differ in how they are
//! found, reached and whose password they are sent. The rest is here.

#[cfg(any(feature = "peers", all(feature = "fleet", target_os = "linux")))]
pub(crate) mod exchange;
#[cfg(any(feature = "peers", all(feature = "fleet", target_os = "linux")))]
pub(crate) mod fan_out;
#[cfg(test)]
#[cfg(any(feature = "peers", all(feature = "fleet", target_os = "linux")))]
pub(crate) mod stranger;
#[cfg(any(feature = "peers", all(feature = "fleet", target_os = "linux")))]
pub(crate) mod timed;
#[cfg(any(feature = "peers", all(feature = "fleet", target_os = "linux")))]
pub(crate) mod wait;

use std::fmt;
use std::sync::Arc;

use memory_debug_core::TypesView;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::flight::Flights;
use crate::peers::Peers;
use crate::siblings::Siblings;

/// The header of requests that are sent for somebody, and are not to be passed on.
pub(crate) const HOP: &str = "memory-hop";

/// Which processes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FleetScope {
    /// Those of this host.
    Host,
    /// Those elsewhere.
    Peers,
}

/// Whom to ask, and which part of the table to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FleetWanted {
    pub(crate) whom: Whom,
    /// Most rows that each is asked for.
    pub(crate) rows: usize,
    pub(crate) types: TypesView,
}

/// Whom to ask, with what each of them wants to know.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    Siblings {
        siblings: Arc<Siblings>,
        caller: Caller,
        /// The path that the page is mounted at, here and there.
        base: String,
    },
    Peers {
        peers: Arc<Peers>,
        /// Where this process's own report comes from.
        own: Arc<Flights>,
    },
}

/// The value of an `Authorization` header to ask with. Wiped on drop.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Zeroizing<Vec<u8>>>);

impl Caller {
    pub(crate) fn new(authorization: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(authorization)))
    }

    /// The value itself; the name makes each use stand out in review.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Answers are shared by those who ask with the same credential, as nobody gets what was fetched with another's rights.
/// Peers are asked with their own, whoever asked here.
impl PartialEq for Whom {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Siblings { siblings, caller, base },
                Self::Siblings { siblings: s, caller: c, base: b },
            ) => Arc::ptr_eq(siblings, s) && bool::from(caller.expose().ct_eq(c.expose())) && base == b,
            (Self::Peers { peers, own }, Self::Peers { peers: p, own: o }) => {
                Arc::ptr_eq(peers, p) && Arc::ptr_eq(own, o)
            }
            (Self::Siblings { .. } | Self::Peers { .. }, _) => false,
        }
    }
}

impl Eq for Whom {}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(..)")
    }
}
