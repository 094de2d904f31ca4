//! Limits guesses at weak passwords.
//!
//! Guesses are limited only at endpoints with weak passwords. A strong password is impractical to guess at any speed,
//! and without a limit an attacker cannot lock out its user.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The limit of wrong passwords per address.
const FROM_ONE: Rate = Rate { burst: 5, every: Duration::from_secs(10) };

/// The limit of wrong passwords from all addresses together. An attacker with many addresses slows down
/// everyone. One address alone cannot exhaust it.
const FROM_ALL: Rate = Rate { burst: 50, every: Duration::from_secs(1) };

/// The remaining guesses, per address and in total.
#[derive(Debug, Default)]
pub(crate) struct GuessLimiter(Mutex<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    /// Buckets that are not full. There are at most a hundred, because each guess also takes
    /// a token from `all`. It provides a hundred tokens while one of these buckets fills up.
    peers: HashMap<IpAddr, Bucket>,
    all: Bucket,
}

/// A token, taken before a password is checked and given back if the password was right.
#[derive(Debug)]
#[must_use]
pub(crate) struct Guess {
    peer: Option<IpAddr>,
}

/// A token bucket, stored as the time at which it will be full. `None` means full.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: Option<Instant>,
}

/// The capacity of a bucket, and the time after which one token comes back.
struct Rate {
    burst: u32,
    every: Duration,
}

impl GuessLimiter {
    /// Takes a guess for `peer`, or returns how long to wait for one. Requests from unknown addresses are
    /// only limited by the total.
    pub(crate) fn take(&self, peer: Option<IpAddr>, now: Instant) -> Result<Guess, Duration> {
        let peer = peer.map(network);
        let mut buckets = self.lock();
        let Buckets { peers, all } = &mut *buckets;
        peers.retain(|_, bucket| !bucket.is_full(now));
        // Checked first: an address without guesses must not use up the guesses of others.
        let own = peer.map(|peer| peers.get(&peer).copied().unwrap_or_default().without_one(&FROM_ONE, now));
        let own = own.transpose()?;
        *all = all.without_one(&FROM_ALL, now)?;
        if let (Some(peer), Some(own)) = (peer, own) {
            peers.insert(peer, own);
        }
        Ok(Guess { peer })
    }

    /// Returns the token, because the password was right.
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

    /// The bucket with one token less, or the time until it has a token.
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

/// The network of one customer of an internet provider: an IPv4 address, or the first 64 bits of an IPv6
/// address.
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

    /// The number of wrong passwords that are checked out of `attempts` at one moment.
    fn guesses(all: &GuessLimiter, peer: Option<IpAddr>, now: Instant, attempts: usize) -> usize {
        (0..attempts).filter(|_| all.take(peer, now).is_ok()).count()
    }

    #[test]
    fn s11_an_address_has_five_guesses_and_one_more_every_ten_seconds() {
        let all = GuessLimiter::default();
        let peer = address("192.0.2.7");
        let start = Instant::now();
        assert_eq!(guesses(&all, peer, start, 100), 5);
        assert_eq!(all.take(peer, start).unwrap_err(), Duration::from_secs(10));
        assert_eq!(all.take(peer, start + Duration::from_secs(9)).unwrap_err(), Duration::from_secs(1));
        assert_eq!(guesses(&all, peer, start + Duration::from_secs(10), 100), 1);
        assert_eq!(guesses(&all, peer, start + Duration::from_secs(30), 100), 2);
        assert_eq!(guesses(&all, peer, start + Duration::from_secs(3600), 100), 5);
    }

    #[test]
    fn s11_other_addresses_can_log_in_during_an_attack_from_one_address() {
        let all = GuessLimiter::default();
        let start = Instant::now();
        for second in 0..200 {
            let now = start + Duration::from_secs(second);
            guesses(&all, address("192.0.2.7"), now, 100);
            let victim = all.take(address("198.51.100.1"), now).expect("another address");
            all.give_back(victim);
            all.give_back(all.take(None, now).expect("an unknown address"));
        }
    }

    #[test]
    fn s11_right_passwords_cost_nothing() {
        let all = GuessLimiter::default();
        let peer = address("192.0.2.7");
        let now = Instant::now();
        for _ in 0..1000 {
            all.give_back(all.take(peer, now).expect("right passwords only"));
        }
        assert_eq!(guesses(&all, peer, now, 100), 5);
    }

    #[test]
    fn s11_all_addresses_together_have_fifty_guesses_and_one_more_a_second() {
        let all = GuessLimiter::default();
        let start = Instant::now();
        let attack = |now, attempts: u32| {
            (0..attempts)
                .filter(|number| all.take(Some(IpAddr::from((*number).to_be_bytes())), now).is_ok())
                .count()
        };
        assert_eq!(attack(start, 1000), 50);
        assert_eq!(attack(start + Duration::from_secs(3), 1000), 3);
    }

    #[test]
    fn s11_the_number_of_remembered_addresses_is_bounded() {
        let all = GuessLimiter::default();
        let start = Instant::now();
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
    fn s11_all_spellings_of_an_address_share_one_limit() {
        let all = GuessLimiter::default();
        let now = Instant::now();
        assert_eq!(guesses(&all, address("::ffff:192.0.2.7"), now, 3), 3);
        assert_eq!(guesses(&all, address("192.0.2.7"), now, 100), 2);
        assert_eq!(guesses(&all, address("2001:db8:1:2::1"), now, 3), 3);
        assert_eq!(
            guesses(&all, address("2001:db8:1:2:ffff::9"), now, 100),
            2,
            "one customer has all of these addresses"
        );
        assert_eq!(guesses(&all, address("2001:db8:1:3::1"), now, 100), 5);
    }
}
