//! What a request for several processes wants, and on whose behalf.

use std::fmt;
use std::sync::Arc;

use memory_debug_core::TypesView;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::siblings::Siblings;

/// Which processes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FleetScope {
    /// Those of this host.
    Host,
    /// Those elsewhere.
    Peers,
}

/// Whom to ask, how, and which part of the table to show.
#[derive(Clone, Debug)]
pub(crate) struct FleetWanted {
    pub(crate) siblings: Arc<Siblings>,
    pub(crate) caller: Caller,
    /// The path that the page is mounted at, here and there.
    pub(crate) base: String,
    /// Most rows that each is asked for.
    pub(crate) rows: usize,
    pub(crate) types: TypesView,
}

/// The value of the `Authorization` header that siblings are asked with: the caller's own, so that each of them decides
/// what the caller may see. Wiped on drop.
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
impl PartialEq for FleetWanted {
    fn eq(&self, other: &Self) -> bool {
        let Self { siblings, caller, base, rows, types } = self;
        Arc::ptr_eq(siblings, &other.siblings)
            && bool::from(caller.expose().ct_eq(other.caller.expose()))
            && *base == other.base
            && *rows == other.rows
            && *types == other.types
    }
}

impl Eq for FleetWanted {}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(..)")
    }
}
