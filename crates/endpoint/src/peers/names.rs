//! Looks names up, for no longer than there is time.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Instant;

use memory_debug_core::{MissingReason, PerProcess, spawn_collecting};

use super::MAX_PEERS;
use super::address::Address;
use crate::fleet::exchange::Missing;
use crate::fleet::timed::left;

/// Most lookups at once, those among them that nobody waits for any more: the system's cannot be ended.
const AT_ONCE: usize = 16;

/// How many there are. A forked process has not the threads of its ancestors.
static UNDER_WAY: PerProcess<AtomicUsize> = PerProcess::new(AtomicUsize::new(0));

/// The addresses of a host, which may have to be waited for.
pub(super) enum Lookup {
    Known(SocketAddr),
    UnderWay(Receiver<io::Result<Vec<SocketAddr>>>),
}

/// Begins to look the host up, unless it is written as an address.
pub(super) fn begin(address: &Address) -> Result<Lookup, Missing> {
    if let Some(ip) = address.ip() {
        return Ok(Lookup::Known((ip, address.port).into()));
    }
    let missing = |detail: &str| (MissingReason::Address, detail.to_owned());
    let place = Place::take().ok_or_else(|| missing("too many lookups of names wait for an answer"))?;
    let (host, port) = (address.host.to_str().into_owned(), address.port);
    let (sender, receiver) = sync_channel(1);
    let look_up = move || {
        let _place = place;
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody may wait any more.
        let _ = sender.send(found.map(|found| found.take(2 * MAX_PEERS).collect()));
    };
    spawn_collecting(look_up).map_err(|_| missing("the system gave no thread to look its name up on"))?;
    Ok(Lookup::UnderWay(receiver))
}

impl Lookup {
    /// All addresses, each once, and some more than may be asked.
    pub(super) fn wait(self, end: Instant) -> Result<Vec<SocketAddr>, Missing> {
        let missing = |reason, detail: &str| Err((reason, detail.to_owned()));
        let receiver = match self {
            Self::Known(address) => return Ok(vec![address]),
            Self::UnderWay(receiver) => receiver,
        };
        let mut addresses = match receiver.recv_timeout(left(end).unwrap_or_default()) {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(_)) => return missing(MissingReason::Address, "its name could not be looked up"),
            Err(RecvTimeoutError::Timeout) => {
                return missing(MissingReason::Deadline, "its name was not looked up in time");
            }
            Err(RecvTimeoutError::Disconnected) => {
                return missing(MissingReason::Address, "looking its name up failed");
            }
        };
        addresses.sort();
        addresses.dedup();
        if addresses.is_empty() {
            return missing(MissingReason::Address, "its name has no address");
        }
        Ok(addresses)
    }
}

/// The right to look something up.
struct Place;

impl Place {
    fn under_way() -> &'static AtomicUsize {
        UNDER_WAY.get(|_| AtomicUsize::new(0))
    }

    fn take() -> Option<Self> {
        let one_more = |taken| (taken < AT_ONCE).then_some(taken + 1);
        let taken = Self::under_way().fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        Self::under_way().fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn found(text: &str) -> Result<Vec<SocketAddr>, MissingReason> {
        let end = Instant::now() + Duration::from_secs(60);
        let found = begin(&Address::parse(text).unwrap()).and_then(|lookup| lookup.wait(end));
        found.map_err(|(reason, _)| reason)
    }

    #[test]
    fn addresses_are_as_they_are_written_and_names_are_looked_up() {
        assert_eq!(found("https://10.0.0.7:1"), Ok(vec![([10, 0, 0, 7], 1).into()]));
        assert!(found("http://localhost:1").unwrap().contains(&([127, 0, 0, 1], 1).into()));
        assert_eq!(found("https://nowhere.invalid"), Err(MissingReason::Address));
    }

    #[test]
    fn no_more_places_are_given_than_there_are() {
        // Other tests have some of them.
        let taken: Vec<_> = std::iter::from_fn(Place::take).collect();
        assert!((1..=AT_ONCE).contains(&taken.len()), "{}", taken.len());
    }
}
