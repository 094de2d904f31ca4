//! The session store: visitors and their baskets.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::feed::Feed;

/// The maximum number of sessions. Further sessions are refused.
const CAPACITY: usize = 100_000;

/// The maximum number of sessions in one listing.
const LISTED: usize = 100;

/// The session of one visitor.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    profile: Arc<Profile>,
    /// Seconds since the Unix epoch.
    started: u64,
    user_agent: String,
    interests: Vec<String>,
    basket: Vec<Item>,
}

/// The profile of a user, shared by all sessions of this user.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    name: String,
    email: String,
    preferences: BTreeMap<String, String>,
}

/// One line of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The article's number.
    pub sku: String,
    /// The number of pieces.
    pub quantity: u32,
    /// The price of one piece.
    pub price_cents: u64,
}

/// The body of `POST /sessions`.
#[derive(Debug, Deserialize)]
pub struct NewSession {
    /// The name of the user.
    pub user: String,
    /// The user agent of the browser.
    #[serde(default)]
    pub user_agent: String,
    /// The interests of the user.
    #[serde(default)]
    pub interests: Vec<String>,
    /// The initial content of the basket.
    #[serde(default)]
    pub basket: Vec<Item>,
}

/// All sessions, by id.
#[derive(Debug)]
pub struct Sessions {
    store: Mutex<Store>,
    feed: Arc<Feed>,
}

#[derive(Debug, Default)]
struct Store {
    sessions: HashMap<String, Session>,
    profiles: HashMap<String, Arc<Profile>>,
}

impl Sessions {
    /// Makes an empty store, which reports every session to `feed`.
    pub(crate) fn new(feed: Arc<Feed>) -> Self {
        Self { store: Mutex::default(), feed }
    }

    /// Opens a session and returns its id, or `None` if there are too many.
    pub fn open(&self, new: NewSession) -> Option<String> {
        let id = random_id();
        let mut store = self.store();
        if store.sessions.len() >= CAPACITY {
            return None;
        }
        let NewSession { user, user_agent, interests, basket } = new;
        let message = format!("{user} came in with {} items", basket.len());
        let profile = store.profile(user);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        store.sessions.insert(id.clone(), Session { profile, started, user_agent, interests, basket });
        drop(store);
        self.feed.publish("session", message);
        Some(id)
    }

    /// The session `id`.
    pub fn find(&self, id: &str) -> Option<Session> {
        self.store().sessions.get(id).cloned()
    }

    /// Ends a session. Returns false if there is no session with this id.
    pub fn end(&self, id: &str) -> bool {
        let mut store = self.store();
        let Some(session) = store.sessions.remove(id) else { return false };
        // One reference is held here and one by the store, so this was the user's last session.
        if Arc::strong_count(&session.profile) == 2 {
            store.profiles.remove(&session.profile.name);
        }
        true
    }

    /// Returns the latest sessions and the total number.
    pub fn list(&self) -> Listing {
        let store = self.store();
        let mut latest: Vec<_> = store.sessions.iter().map(|(id, session)| (session.started, id)).collect();
        latest.sort_unstable_by_key(|&(started, id)| (Reverse(started), id));
        let latest = latest.into_iter().take(LISTED).map(|(_, id)| id.clone()).collect();
        Listing { total: store.sessions.len(), users: store.profiles.len(), latest }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("nothing panics while it holds the lock")
    }
}

impl Store {
    fn profile(&mut self, name: String) -> Arc<Profile> {
        if let Some(profile) = self.profiles.get(&name) {
            return Arc::clone(profile);
        }
        let preferences = BTreeMap::from([
            ("currency".to_owned(), "EUR".to_owned()),
            ("language".to_owned(), "en".to_owned()),
            ("newsletter".to_owned(), "weekly".to_owned()),
        ]);
        let email = format!("{name}@example.com");
        let profile = Arc::new(Profile { name: name.clone(), email, preferences });
        self.profiles.insert(name, Arc::clone(&profile));
        profile
    }
}

/// 128 random bits in hexadecimal, so that sessions of other visitors cannot be guessed.
fn random_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers once it runs services");
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// The body of `GET /sessions`.
#[derive(Debug, Serialize)]
pub struct Listing {
    total: usize,
    users: usize,
    /// Ids of the latest sessions, newest first, at most [`LISTED`].
    latest: Vec<String>,
}

/// The body of the answer to `POST /sessions`.
#[derive(Debug, Serialize)]
pub struct Opening {
    /// The id of the new session.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(user: &str) -> NewSession {
        NewSession {
            user: user.to_owned(),
            user_agent: String::new(),
            interests: Vec::new(),
            basket: Vec::new(),
        }
    }

    #[test]
    fn a_users_sessions_share_one_profile_until_the_last_ends() {
        let sessions = Sessions::new(Arc::default());
        let first = sessions.open(new("ada")).unwrap();
        let second = sessions.open(new("ada")).unwrap();
        let profile = |id: &str| sessions.find(id).unwrap().profile;
        assert!(Arc::ptr_eq(&profile(&first), &profile(&second)));

        assert!(sessions.end(&first));
        assert_eq!(sessions.list().users, 1);
        assert!(sessions.end(&second));
        assert_eq!(sessions.list().users, 0);
        assert!(!sessions.end(&second));
    }

    #[test]
    fn a_listing_is_bounded_and_states_the_total() {
        let sessions = Sessions::new(Arc::default());
        for _ in 0..LISTED + 1 {
            sessions.open(new("ada")).unwrap();
        }
        let listing = sessions.list();
        assert_eq!((listing.total, listing.latest.len()), (LISTED + 1, LISTED));
    }
}
