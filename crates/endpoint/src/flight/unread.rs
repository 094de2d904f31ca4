//! The total size of replies that clients have not read yet.
//!
//! A client that does not read leaves its reply with the server as long as the connection lives. The bodies of
//! all such replies are therefore counted, and their total is limited. A body that several replies share
//! counts once.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::auth::Authorized;
use crate::reply::Problem;
use crate::reply::Reply;

/// Counts the bodies that have been rendered and not dropped yet.
///
/// A login can hold as many bytes as it leaves free: half if no other login holds any, a third if another
/// login holds as much. A login whose client does not read thus leaves room for others.
pub(super) struct Unread {
    most_bytes: usize,
    /// Bytes by login. This lock is the innermost one and is held for a few instructions only, so models do
    /// not cover it.
    held: Mutex<Vec<(Arc<str>, usize)>>,
}

/// A body that is counted until it is dropped.
struct Counted {
    body: Box<[u8]>,
    user: Arc<str>,
    unread: Arc<Unread>,
}

impl Unread {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { most_bytes, held: Mutex::default() }
    }

    /// Checks that there is room for a body of this length. Before the body is rendered, the length is 0.
    pub(super) fn check(&self, proof: &Authorized, bytes: usize) -> Result<(), Problem> {
        if self.admits(&self.lock(), proof.user(), bytes.max(1)) { Ok(()) } else { Err(self.refusal()) }
    }

    /// Counts the body of the reply for this login until it is dropped.
    ///
    /// # Errors
    ///
    /// If this login, or all logins together, hold too many bytes.
    pub(super) fn hold(self: &Arc<Self>, reply: Reply, proof: &Authorized) -> Result<Reply, Problem> {
        if reply.body.is_empty() {
            return Ok(reply);
        }
        // This does not copy, because nothing else shares the body yet. Reserved capacity beyond its length
        // is given back.
        let body = Vec::from(reply.body).into_boxed_slice();
        if body.len() > self.most_bytes {
            return Err(Problem::ReplyTooLarge);
        }
        let mut held = self.lock();
        if !self.admits(&held, proof.user(), body.len()) {
            return Err(self.refusal());
        }
        match held.iter_mut().find(|(user, _)| **user == *proof.user()) {
            Some((_, bytes)) => *bytes += body.len(),
            None => held.push((Arc::clone(proof.login()), body.len())),
        }
        drop(held);
        let counted = Counted { body, user: Arc::clone(proof.login()), unread: Arc::clone(self) };
        Ok(Reply { body: Bytes::from_owner(counted), ..reply })
    }

    fn admits(&self, held: &[(Arc<str>, usize)], user: &str, bytes: usize) -> bool {
        let free = self.most_bytes.saturating_sub(held.iter().map(|(_, bytes)| bytes).sum());
        let own = held.iter().find(|(other, _)| **other == *user).map_or(0, |(_, bytes)| *bytes);
        // The first body of a login only needs to fit.
        free.checked_sub(bytes).is_some_and(|left| own == 0 || own.saturating_add(bytes) <= left)
    }

    fn refusal(&self) -> Problem {
        Problem::RepliesUnread { most_bytes: self.most_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<str>, usize)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lock().iter().map(|(_, bytes)| bytes).sum()
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut held = self.unread.lock();
        if let Some(index) = held.iter().position(|(user, _)| *user == self.user) {
            held[index].1 = held[index].1.saturating_sub(self.body.len());
            if held[index].1 == 0 {
                held.swap_remove(index);
            }
        }
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("most_bytes", &self.most_bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Credentials;
    use crate::auth::authenticate;
    use crate::reply::Format;

    fn proof(user: &str) -> Authorized {
        use base64::Engine as _;
        let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:x"));
        let credentials = Credentials::allow_weak(user, "x").unwrap();
        authenticate(&credentials, [format!("Basic {token}").as_bytes()]).unwrap()
    }

    fn reply(bytes: usize) -> Reply {
        let mut body = Vec::with_capacity(2 * bytes);
        body.resize(bytes, b'x');
        Reply::page(Format::Text, body.into())
    }

    #[test]
    fn s45_a_body_counts_once_until_its_last_clone_or_part_is_dropped() {
        let unread = Arc::new(Unread::new(1000));
        let held = unread.hold(reply(100), &proof("ops")).unwrap();
        assert_eq!((held.body.len(), unread.bytes()), (100, 100));
        let (clone, part) = (held.clone(), held.body.slice(90..));
        drop(held);
        drop(clone);
        assert_eq!(unread.bytes(), 100);
        drop(part);
        assert_eq!(unread.bytes(), 0);
        assert!(unread.hold(Reply::nothing(), &proof("ops")).is_ok());
        assert_eq!(unread.lock().len(), 0, "no entry is left for the login");
    }

    #[test]
    fn s45_a_login_can_hold_as_much_as_it_leaves_free_for_others() {
        let unread = Arc::new(Unread::new(1000));
        let hold_all = |user: &str| -> Vec<Reply> {
            std::iter::from_fn(|| unread.hold(reply(10), &proof(user)).ok()).collect()
        };
        let first = hold_all("first");
        assert_eq!(unread.bytes(), 500);
        let refused = Problem::RepliesUnread { most_bytes: 1000 };
        assert_eq!(unread.check(&proof("first"), 0), Err(refused.clone()));
        assert_eq!(unread.check(&proof("second"), 0), Ok(()));
        let second = hold_all("second");
        assert_eq!(second.len(), 25);
        assert_eq!(unread.hold(reply(251), &proof("third")), Err(refused), "more than is free");
        assert!(unread.hold(reply(250), &proof("third")).is_ok());
        drop(first);
        assert_eq!(unread.bytes(), 250);
        assert_eq!(hold_all("second").len(), 25, "in place of the other bodies");
        drop(second);
        assert_eq!(unread.bytes(), 0);
    }

    #[test]
    fn s45_a_body_that_can_never_fit_gets_no_retry_after() {
        let unread = Arc::new(Unread::new(1000));
        assert_eq!(unread.hold(reply(1001), &proof("ops")), Err(Problem::ReplyTooLarge));
        assert!(unread.hold(reply(1000), &proof("ops")).is_ok());
        let none = Arc::new(Unread::new(0));
        assert_eq!(none.check(&proof("ops"), 0), Err(Problem::RepliesUnread { most_bytes: 0 }));
    }
}
