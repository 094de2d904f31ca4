//! Name lookups with a deadline.
//!
//! The system's resolver cannot be interrupted, and waits ten seconds or more for a silent name server. Each lookup
//! therefore runs on its own thread, and the caller can stop waiting for it.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Instant;

use crate::deadline::time_left;
use crate::fan_out::Work;

/// A lookup in progress.
#[derive(Debug)]
pub struct Lookup<T>(Receiver<T>);

/// The reason why a lookup has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupFailure {
    /// The lookup took too long.
    TimedOut,
    /// The thread of the lookup panicked.
    Panicked,
}

impl<T: Send + 'static> Lookup<T> {
    /// Starts `look_up` on a thread that `spawn` creates.
    ///
    /// # Errors
    ///
    /// If no thread can be created.
    pub fn start(
        spawn: impl FnOnce(Work) -> io::Result<()>,
        look_up: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(1);
        // Sending fails if the lookup was given up.
        spawn(Box::new(move || drop(sender.send(look_up()))))?;
        Ok(Self(receiver))
    }

    /// Waits for the result until `end`.
    ///
    /// # Errors
    ///
    /// If the lookup takes longer, or panicked.
    pub fn wait(self, end: Instant) -> Result<T, LookupFailure> {
        self.0.recv_timeout(time_left(end).unwrap_or_default()).map_err(|error| match error {
            RecvTimeoutError::Timeout => LookupFailure::TimedOut,
            RecvTimeoutError::Disconnected => LookupFailure::Panicked,
        })
    }
}

/// Looks up `host` with the system's resolver. Reads at most `most` addresses, and returns each once, in order.
///
/// # Errors
///
/// If the name cannot be looked up.
pub fn resolve(host: &str, port: u16, most: usize) -> io::Result<Vec<SocketAddr>> {
    Ok(distinct((host, port).to_socket_addrs()?, most))
}

fn distinct(found: impl Iterator<Item = SocketAddr>, most: usize) -> Vec<SocketAddr> {
    let mut found: Vec<_> = found.take(most).collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn spawn(work: Work) -> io::Result<()> {
        thread::Builder::new().spawn(work).map(drop)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_silent_lookup_is_given_up() {
        let (_held, silent) = channel::<()>();
        let lookup = Lookup::start(spawn, move || silent.recv()).unwrap();
        assert_eq!(lookup.wait(Instant::now() + Duration::from_millis(10)), Err(LookupFailure::TimedOut));
    }

    #[test]
    fn a_lookup_that_panics_is_a_failure() {
        let lookup = Lookup::start(spawn, || -> u32 { panic!("a defect") }).unwrap();
        assert_eq!(lookup.wait(soon()), Err(LookupFailure::Panicked));
    }

    #[test]
    fn without_a_thread_the_lookup_fails() {
        let refuse = |_: Work| Err(io::ErrorKind::OutOfMemory.into());
        assert!(Lookup::start(refuse, || 7).is_err());
    }

    #[test]
    fn localhost_has_an_address_and_an_unknown_name_does_not() {
        let lookup = Lookup::start(spawn, || resolve("localhost", 1, 512)).unwrap();
        assert!(lookup.wait(soon()).unwrap().unwrap().contains(&([127, 0, 0, 1], 1).into()));
        assert!(resolve("nowhere.invalid", 1, 512).is_err());
    }

    #[test]
    fn endless_addresses_are_cut_off_and_duplicates_are_removed() {
        let address = |number: u16| SocketAddr::from(([10, 0, 0, 7], number));
        let all: Vec<_> = (1..=512).map(address).collect();
        assert_eq!(distinct((1..).map(address), 512), all);
        assert_eq!(distinct([9, 7, 9].into_iter().map(address), 512), [7, 9].map(address));
    }
}
