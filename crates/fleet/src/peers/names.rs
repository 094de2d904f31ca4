//! Looks names up, for no longer than there is time.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Instant;

use memory_debug_core::{MissingReason, PerProcess, spawn_collecting};

use super::address::Address;
use crate::fleet::exchange::Missing;
use crate::fleet::timed::left;

/// Most lookups at once, those among them that nobody waits for any more: the system's cannot be ended.
const AT_ONCE: usize = 16;

/// Most addresses of a name that are looked at: some more than may be asked.
const MAX_FOUND: usize = 512;

/// A forked process has not the threads of its ancestors.
static UNDER_WAY: PerProcess<Places> = PerProcess::new(Places(AtomicUsize::new(0)));

/// The addresses of a host, which may have to be waited for.
pub(super) enum Lookup {
    Known(SocketAddr),
    UnderWay(Receiver<io::Result<Vec<SocketAddr>>>),
}

/// Begins to look the host up, unless it is written as an address.
pub(super) fn begin(address: &Address) -> Result<Lookup, Missing> {
    begin_at(UNDER_WAY.get(|_| Places(AtomicUsize::new(0))), address)
}

fn begin_at(places: &'static Places, address: &Address) -> Result<Lookup, Missing> {
    if let Some(ip) = address.ip() {
        return Ok(Lookup::Known((ip, address.port).into()));
    }
    let missing = |detail: &str| (MissingReason::Address, detail.to_owned());
    let place = places.take().ok_or_else(|| missing("too many lookups of names wait for an answer"))?;
    let (host, port) = (address.host.to_str().into_owned(), address.port);
    let (sender, receiver) = sync_channel(1);
    let look_up = move || {
        let _place = place;
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody may wait any more.
        let _ = sender.send(found.map(distinct));
    };
    spawn_collecting(look_up).map_err(|_| missing("the system gave no thread to look its name up on"))?;
    Ok(Lookup::UnderWay(receiver))
}

impl Lookup {
    /// All addresses, each once.
    pub(super) fn wait(self, end: Instant) -> Result<Vec<SocketAddr>, Missing> {
        let missing = |reason, detail: &str| Err((reason, detail.to_owned()));
        let receiver = match self {
            Self::Known(address) => return Ok(vec![address]),
            Self::UnderWay(receiver) => receiver,
        };
        match receiver.recv_timeout(left(end).unwrap_or_default()) {
            Ok(Ok(addresses)) if addresses.is_empty() => {
                missing(MissingReason::Address, "its name has no address")
            }
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) => missing(MissingReason::Address, "its name could not be looked up"),
            Err(RecvTimeoutError::Timeout) => {
                missing(MissingReason::Deadline, "its name was not looked up in time")
            }
            Err(RecvTimeoutError::Disconnected) => {
                missing(MissingReason::Address, "looking its name up failed")
            }
        }
    }
}

fn distinct(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut found: Vec<_> = found.take(MAX_FOUND).collect();
    found.sort();
    found.dedup();
    found
}

/// How many look something up.
#[derive(Debug)]
struct Places(AtomicUsize);

/// The right to look something up.
struct Place(&'static Places);

impl Places {
    fn take(&'static self) -> Option<Place> {
        let one_more = |taken| (taken < AT_ONCE).then_some(taken + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Place(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
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
        let found = begin(&Address::parse(text).unwrap()).and_then(|lookup| lookup.wait(soon()));
        found.map_err(|(reason, _)| reason)
    }

    #[test]
    fn addresses_are_as_they_are_written_and_names_are_looked_up() {
        assert_eq!(found("https://10.0.0.7:1"), Ok(vec![([10, 0, 0, 7], 1).into()]));
        assert!(found("http://localhost:1").unwrap().contains(&([127, 0, 0, 1], 1).into()));
        assert_eq!(found("https://nowhere.invalid"), Err(MissingReason::Address));
    }

    #[test]
    fn no_more_lookups_than_may_be_are_under_way() {
        static PLACES: Places = Places(AtomicUsize::new(0));
        let address = Address::parse("http://localhost:1").unwrap();
        let found = || begin_at(&PLACES, &address).and_then(|lookup| lookup.wait(soon()));
        let taken: Vec<_> = std::iter::from_fn(|| PLACES.take()).take(AT_ONCE + 1).collect();
        assert_eq!(taken.len(), AT_ONCE);
        assert_eq!(found().unwrap_err().0, MissingReason::Address);
        drop(taken);
        assert!(found().is_ok());
    }

    #[test]
    fn who_looks_up_for_ever_is_not_waited_for() {
        let (_sender, receiver) = sync_channel(1);
        let missing = Lookup::UnderWay(receiver).wait(Instant::now() + Duration::from_millis(10));
        assert_eq!(missing.unwrap_err().0, MissingReason::Deadline);
    }

    #[test]
    fn a_name_with_addresses_without_end_has_some_more_than_may_be_asked() {
        let address = |number: u16| SocketAddr::from(([10, 0, 0, 7], number));
        let all: Vec<_> = (1..=512).map(address).collect();
        assert_eq!(distinct((1..).map(address)), all);
        assert_eq!(distinct([9, 7, 9].into_iter().map(address)), [7, 9].map(address));
    }
}
