//! Lookups of the addresses of peers.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use memory_debug_core::{PerProcess, spawn_collecting};
use memory_debug_report::MissingReason;

use super::address::Address;
use crate::lookup::{self, LookupFailure, resolve};
use crate::missing::Missing;
use crate::permits::Permits;

/// Maximum number of lookups at once. Lookups that were given up count as well, because they cannot be stopped.
const AT_ONCE: usize = 16;

/// Maximum number of addresses that are read for one name. It exceeds the number of peers that are asked.
const MAX_FOUND: usize = 512;

/// The permits for lookups. A forked process does not inherit the threads of its parent.
static IN_PROGRESS: PerProcess<Permits> = PerProcess::new(Permits::new(AT_ONCE));

/// The addresses of a host, or the lookup that will find them.
pub(super) enum Lookup {
    /// The host is given as an address.
    Known(SocketAddr),
    /// The name is being looked up.
    InProgress(lookup::Lookup<io::Result<Vec<SocketAddr>>>),
}

/// Starts to look up the host of `address`, unless the host is given as an address.
pub(super) fn start(address: &Address) -> Result<Lookup, Missing> {
    start_with(IN_PROGRESS.get(|_| Permits::new(AT_ONCE)), address)
}

fn start_with(permits: &'static Permits, address: &Address) -> Result<Lookup, Missing> {
    if let Some(ip) = address.ip() {
        return Ok(Lookup::Known((ip, address.port).into()));
    }
    let missing = |detail: &str| Missing::new(MissingReason::Address, detail);
    let permit = Permits::try_take(permits)
        .ok_or_else(|| missing("too many name lookups are waiting for an answer; check the name servers"))?;
    let host = address.host.to_str().into_owned();
    let port = address.port;
    let look_up = move || {
        let _permit = permit;
        resolve(&host, port, MAX_FOUND)
    };
    lookup::Lookup::start(|work| spawn_collecting(work).map(drop), look_up)
        .map(Lookup::InProgress)
        .map_err(|_| missing("no thread could be created to look up its name; raise the limit on threads"))
}

impl Lookup {
    /// Waits for the addresses until `end`. Each address is listed once.
    pub(super) fn wait(self, end: Instant) -> Result<Vec<SocketAddr>, Missing> {
        let missing = |reason, detail: &str| Err(Missing::new(reason, detail));
        let lookup = match self {
            Self::Known(address) => return Ok(vec![address]),
            Self::InProgress(lookup) => lookup,
        };
        match lookup.wait(end) {
            Ok(Ok(addresses)) if addresses.is_empty() => {
                missing(MissingReason::Address, "its name has no address")
            }
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) => missing(MissingReason::Address, "its name could not be looked up; check the name"),
            Err(LookupFailure::TimedOut) => {
                missing(MissingReason::Deadline, "no name server answered in time")
            }
            Err(LookupFailure::Panicked) => missing(
                MissingReason::Address,
                "the lookup of its name failed; the log of the service says why",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn found(text: &str) -> Result<Vec<SocketAddr>, MissingReason> {
        let found = start(&Address::parse(text).unwrap()).and_then(|lookup| lookup.wait(soon()));
        found.map_err(|missing| missing.reason)
    }

    #[test]
    fn an_address_is_used_as_written_and_a_name_is_looked_up() {
        assert_eq!(found("https://10.0.0.7:1"), Ok(vec![([10, 0, 0, 7], 1).into()]));
        assert!(found("http://localhost:1").unwrap().contains(&([127, 0, 0, 1], 1).into()));
        assert_eq!(found("https://nowhere.invalid"), Err(MissingReason::Address));
    }

    #[test]
    fn the_number_of_lookups_in_progress_is_limited() {
        static PERMITS: Permits = Permits::new(AT_ONCE);
        let address = Address::parse("http://localhost:1").unwrap();
        let found = || start_with(&PERMITS, &address).and_then(|lookup| lookup.wait(soon()));
        let taken: Vec<_> = std::iter::from_fn(|| Permits::try_take(&PERMITS)).take(AT_ONCE + 1).collect();
        assert_eq!(taken.len(), AT_ONCE);
        assert_eq!(found().unwrap_err().reason, MissingReason::Address);
        drop(taken);
        assert!(found().is_ok());
    }

    #[test]
    fn a_lookup_that_never_ends_is_given_up() {
        let (_held, silent) = std::sync::mpsc::channel();
        let look_up = move || silent.recv().unwrap_or_else(|_| Ok(Vec::new()));
        let spawn = |work| spawn_collecting(work).map(drop);
        let lookup = Lookup::InProgress(lookup::Lookup::start(spawn, look_up).unwrap());
        let missing = lookup.wait(Instant::now() + Duration::from_millis(10));
        assert_eq!(missing.unwrap_err().reason, MissingReason::Deadline);
    }
}
