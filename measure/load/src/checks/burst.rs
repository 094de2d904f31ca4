//! A thousand clients that ask for the table of types at once.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::{LIMIT, Verdict};
use crate::Result;
use crate::client::Client;
use crate::request::{HOME, Login, TYPES, get};
use crate::service::Service;

const CLIENTS: usize = 1000;
/// The most collections. A request that is read after the end of a collection gets the next collection, and the
/// service cannot read a thousand requests before the first collection ends. So there may be several, but each
/// answers many.
const MOST_COLLECTIONS: usize = 10;

/// All requests are answered, from a few collections that run one at a time.
pub fn burst(service: &Service, login: &Login) -> Result<Verdict> {
    let before = service.trace.as_ref().map(|trace| trace.at_rest()).transpose()?;
    let mut client = Client::open(service.address, CLIENTS)?;
    // After this the service has accepted all connections.
    client.send_to_all(&get(HOME, None), LIMIT, |_| {})?;

    let mut statuses = BTreeMap::<u16, usize>::new();
    // Equal answers come from one collection: an answer contains its time, its duration and a hundred other figures,
    // which are never all the same.
    let mut reports = HashSet::new();
    let begin = Instant::now();
    let mut took = Duration::ZERO;
    client.send_to_all(&login.get(TYPES), LIMIT, |answer| {
        *statuses.entry(answer.status).or_default() += 1;
        if answer.status == 200 {
            reports.insert(answer.body.to_vec());
        }
        took = begin.elapsed();
    })?;

    let answered = statuses.get(&200).copied().unwrap_or_default();
    let mut is_kept = answered == CLIENTS && (1..=MOST_COLLECTIONS).contains(&reports.len());
    let mut figures =
        format!("{answered} of {CLIENTS} answered 200 within {took:.1?}, from {} reports", reports.len());
    if let (Some(trace), Some(before)) = (&service.trace, before) {
        let seen = trace.at_rest()?.since(before);
        is_kept &= seen.profiles == reports.len() && seen.profiles_at_once == 1;
        figures += &format!(
            "; traced: {} collections, at most {} at once, on {} threads, at most {} alive at once",
            seen.profiles, seen.profiles_at_once, seen.collecting_threads, seen.collecting_threads_at_once
        );
    }
    if answered < CLIENTS {
        figures += &format!("; {statuses:?}");
    }
    Ok(Verdict { is_kept, figures })
}
