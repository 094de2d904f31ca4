//! Models of a password rotation while requests are verified, see [`crate::sync::explore`].
//!
//! Each set of credentials has two logins. A request that sees one login of a set must see the other as well.

use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicBool;
use loom::thread;

use super::*;
use crate::sync::explore;

/// The passwords of the first, the second and the third set of credentials.
const PASSWORDS: [&str; 3] = ["first", "second", "third"];

fn set(number: usize) -> Credentials {
    let login = |user| Credentials::allow_weak(user, PASSWORDS[number]).unwrap();
    login("ops").and(login("grafana")).unwrap()
}

/// The number of the set that verifies at this moment.
fn number(credentials: &Credentials) -> usize {
    let sources = credentials.sources();
    let verifies = |password: &str, user: &str| {
        let logins = sources.iter().flat_map(|source| source.logins().to_vec());
        logins.into_iter().any(|login| bool::from(login.is(user.as_bytes(), password.as_bytes())))
    };
    let whole: Vec<_> = (0..PASSWORDS.len())
        .filter(|&number| {
            let users = ["ops", "grafana"].map(|user| verifies(PASSWORDS[number], user));
            assert_eq!(users[0], users[1], "a mixture of two sets");
            users[0]
        })
        .collect();
    assert_eq!(whole.len(), 1, "one set verifies");
    whole[0]
}

#[test]
fn s14_during_a_replacement_the_logins_are_old_or_new_and_never_old_again() {
    explore(|| {
        let credentials = set(0);
        let readers = [(); 2].map(|()| {
            let credentials = credentials.clone();
            thread::spawn(move || {
                let first = number(&credentials);
                let second = number(&credentials);
                assert!([(0, 0), (0, 1), (1, 1)].contains(&(first, second)), "{first} {second}");
            })
        });
        credentials.replace(set(1));
        assert_eq!(number(&credentials), 1);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn s14_a_request_that_starts_after_the_replacement_gets_the_new_logins() {
    explore(|| {
        let credentials = set(0);
        let is_replaced = Arc::new(AtomicBool::new(false));
        let reader = {
            let credentials = credentials.clone();
            let is_replaced = Arc::clone(&is_replaced);
            thread::spawn(move || {
                let is_replaced = is_replaced.load(Ordering::Acquire);
                let number = number(&credentials);
                assert!(number == 1 || !is_replaced, "the old logins after the replacement");
            })
        };
        credentials.replace(set(1));
        is_replaced.store(true, Ordering::Release);
        reader.join().unwrap();
    });
}

#[test]
fn s14_of_two_concurrent_replacements_every_thread_sees_the_same_last_one() {
    explore(|| {
        let credentials = set(0);
        let other = {
            let credentials = credentials.clone();
            thread::spawn(move || credentials.replace(set(1)))
        };
        credentials.replace(set(2));
        let seen = number(&credentials);
        assert!([1, 2].contains(&seen));
        other.join().unwrap();
        let last = number(&credentials);
        assert!(last == seen || (seen, last) == (2, 1), "{seen} {last}");
    });
}
