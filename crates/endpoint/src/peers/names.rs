//! Looks names up, for no longer than there is time.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Instant;

use memory_debug_core::{MissingReason, spawn_collecting};

use super::MAX_PEERS;
use super::address::Address;
use crate::fleet::exchange::Missing;
use crate::fleet::timed::left;

/// Most lookups at once, those among them that nobody waits for any more: the system's cannot be ended.
const AT_ONCE: usize = 16;

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// All addresses of the host, each once, and some more than may be asked.
pub(super) fn look_up(address: &Address, end: Instant) -> Result<Vec<SocketAddr>, Missing> {
    if let Some(ip) = address.ip() {
        return Ok(vec![(ip, address.port).into()]);
    }
    let missing = |detail: &str| (MissingReason::Address, detail.to_owned());
    let place = Place::take().ok_or_else(|| missing("too many lookups of names wait for an answer"))?;
    let (host, port) = (address.host.to_str().into_owned(), address.port);
    let (sender, receiver) = sync_channel(1);
    let look_up = move || {
        let _place = place;
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody may wait any more.
        let _ = sender.send(found.map(|found| found.take(2 * MAX_PEERS).collect::<Vec<_>>()));
    };
    spawn_collecting(look_up).map_err(|_| missing("the system gave no thread to look its name up on"))?;
    let found = match receiver.recv_timeout(left(end).unwrap_or_default()) {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => return Err(missing("its name could not be looked up")),
        Err(RecvTimeoutError::Timeout) => {
            return Err((MissingReason::Deadline, "its name was not looked up in time".to_owned()));
        }
        Err(RecvTimeoutError::Disconnected) => return Err(missing("looking its name up failed")),
    };
    let mut addresses = found;
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() { Err(missing("its name has no address")) } else { Ok(addresses) }
}

/// The right to look something up.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let one_more = |taken| (taken < AT_ONCE).then_some(taken + 1);
        UNDER_WAY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn found(text: &str) -> Result<Vec<SocketAddr>, MissingReason> {
        let end = Instant::now() + Duration::from_secs(60);
        look_up(&Address::parse(text).unwrap(), end).map_err(|(reason, _)| reason)
    }

    #[test]
    fn addresses_are_as_they_are_written_and_names_are_looked_up() {
        assert_eq!(found("https://10.0.0.7:1"), Ok(vec![([10, 0, 0, 7], 1).into()]));
        assert!(found("http://localhost:1").unwrap().contains(&([127, 0, 0, 1], 1).into()));
        assert_eq!(found("https://nowhere.invalid"), Err(MissingReason::Address));
    }

    #[test]
    fn no_more_lookups_than_may_be_are_under_way() {
        let taken: Vec<_> = std::iter::from_fn(Place::take).collect();
        // Other tests may have taken some of them.
        assert!(taken.len() <= AT_ONCE && !taken.is_empty());
        assert_eq!(found("http://localhost:1"), Err(MissingReason::Address));
        drop(taken);
        assert!(found("http://localhost:1").is_ok());
    }
}
