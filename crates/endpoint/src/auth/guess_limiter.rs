//! Slows the guessing of weak passwords.
//!
//! A strong password is beyond guessing at any speed, so it needs nothing of this, and nobody can lock its user out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords that one address may send.
const FROM_ONE: Rate = Rate { burst: 5, every: Duration::from_secs(10) };

/// Wrong passwords that all addresses together may send. Somebody with many of them slows everyone down; with one
/// address nobody uses this up.
const FROM_ALL: Rate = Rate { burst: 50, every: Duration::from_secs(1) };

/// What is left to guess, for each address and for all.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    /// Those that are not full. As each guess takes from `all` too, there are never more than it can give while one of
    /// these fills up: a hundred.
    peers: HashMap<IpAddr, Bucket>,
    all: Bucket,
}

/// Taken before a password is looked at, and given back if it was right.
#[derive(Debug)]
#[must_use]
pub(crate) struct Guess {
    peer: Option<IpAddr>,
}

/// A token bucket, told by the moment at which it will be full. `None` if it is.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: Option<Instant>,
}

/// How many tokens a bucket holds, and how long one takes to come back.
struct Rate {
    burst: u32,
    every: Duration,
}

impl Guesses {
    /// Takes a guess for `peer`, or says how long to wait for one. Peers that are not known share what there is for
    /// all.
    pub(crate) fn take(&self, peer: Option<IpAddr>, now: Instant) -> Result<Guess, Duration> {
        let peer = peer.map(network);
        let mut buckets = self.lock();
        let Buckets { peers, all } = &mut *buckets;
        peers.retain(|_, bucket| !bucket.is_full(now));
        // A peer that has none left takes none from the others.
        let own = peer.map(|peer| peers.get(&peer).copied().unwrap_or_default().without_one(&FROM_ONE, now));
        let own = own.transpose()?;
        *all = all.without_one(&FROM_ALL, now)?;
        if let (Some(peer), Some(own)) = (peer, own) {
            peers.insert(peer, own);
        }
        Ok(Guess { peer })
    }

    /// It was none: the password was right.
    pub(crate) fn give_back(&self, guess: Guess) {
        let mut buckets = self.lock();
        buckets.all.add_one(&FROM_ALL);
        if let Some(bucket) = guess.peer.and_then(|peer| buckets.peers.get_mut(&peer)) {
            bucket.add_one(&FROM_ONE);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn is_full(self, now: Instant) -> bool {
        self.full_at.is_none_or(|full_at| full_at <= now)
    }

    /// The bucket with one token less, or how long it takes until it has one.
    fn without_one(self, rate: &Rate, now: Instant) -> Result<Self, Duration> {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + rate.every;
        let missing = full_at - now;
        match missing.checked_sub(rate.every * rate.burst) {
            None | Some(Duration::ZERO) => Ok(Self { full_at: Some(full_at) }),
            Some(wait) => Err(wait),
        }
    }

    fn add_one(&mut self, rate: &Rate) {
        self.full_at = self.full_at.and_then(|full_at| full_at.checked_sub(rate.every));
    }
}

/// What one customer of a network provider has: an IPv4 address, or 64 bits of an IPv6 one.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// Wrong passwords that get through, of `attempts` at one moment.
    fn guesses(all: &Guesses, peer: Option<IpAddr>, now: Instant, attempts: usize) -> usize {
        (0..attempts).filter(|_| all.take(peer, now).is_ok()).count()
    }

    #[test]
    fn s11_an_address_has_five_guesses_and_one_more_every_ten_seconds() {
        let (all, peer, start) = (Guesses::default(), address("192.0.2.7"), Instant::now());
        assert_eq!(guesses(&all, peer, start, 100), 5);
        assert_eq!(all.take(peer, start).unwrap_err(), Duration::from_secs(10));
        assert_eq!(all.take(peer, start + Duration::from_secs(9)).unwrap_err(), Duration::from_secs(1));
        assert_eq!(guesses(&all, peer, start + Duration::from_secs(10), 100), 1);
        assert_eq!(guesses(&all, peer, start + Duration::from_secs(30), 100), 2);
        assert_eq!(guesses(&all, peer, start + Duration::from_secs(3600), 100), 5);
    }

    #[test]
    fn s11_somebody_elsewhere_still_gets_in_during_an_attack_from_one_address() {
        let (all, start) = (Guesses::default(), Instant::now());
        for second in 0..200 {
            let now = start + Duration::from_secs(second);
            guesses(&all, address("192.0.2.7"), now, 100);
            let victim = all.take(address("198.51.100.1"), now).expect("another address");
            all.give_back(victim);
            all.give_back(all.take(None, now).expect("somebody whose address is not known"));
        }
    }

    #[test]
    fn s11_right_passwords_cost_nothing() {
        let (all, peer, now) = (Guesses::default(), address("192.0.2.7"), Instant::now());
        for _ in 0..1000 {
            all.give_back(all.take(peer, now).expect("only right ones so far"));
        }
        assert_eq!(guesses(&all, peer, now, 100), 5);
    }

    #[test]
    fn s11_many_addresses_together_have_fifty_guesses_and_one_more_a_second() {
        let (all, start) = (Guesses::default(), Instant::now());
        let attack = |now, attempts: u32| {
            (0..attempts)
                .filter(|number| all.take(Some(IpAddr::from((*number).to_be_bytes())), now).is_ok())
                .count()
        };
        assert_eq!(attack(start, 1000), 50);
        assert_eq!(attack(start + Duration::from_secs(3), 1000), 3);
    }

    #[test]
    fn s11_what_is_remembered_of_addresses_is_bounded() {
        let (all, start) = (Guesses::default(), Instant::now());
        for number in 0..10_000_u32 {
            let now = start + Duration::from_millis(10 * u64::from(number));
            let _ = all.take(Some(IpAddr::from(number.to_be_bytes())), now);
            assert!(all.lock().peers.len() <= 100);
        }
        let much_later = start + Duration::from_secs(3600);
        let _ = all.take(None, much_later);
        assert!(all.lock().peers.is_empty());
    }

    #[test]
    fn s11_an_address_has_no_second_spelling() {
        let (all, now) = (Guesses::default(), Instant::now());
        assert_eq!(guesses(&all, address("::ffff:192.0.2.7"), now, 3), 3);
        assert_eq!(guesses(&all, address("192.0.2.7"), now, 100), 2);
        assert_eq!(guesses(&all, address("2001:db8:1:2::1"), now, 3), 3);
        assert_eq!(guesses(&all, address("2001:db8:1:2:ffff::9"), now, 100), 2, "one customer has them all");
        assert_eq!(guesses(&all, address("2001:db8:1:3::1"), now, 100), 5);
    }
}
