//! Scrapers of statistics that ask again as soon as they are answered (S46).

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::Verdict;
use crate::Result;
use crate::client::Client;
use crate::request::{Login, STATS, STATS_AS_TEXT};
use crate::service::Service;

const CLIENTS: usize = 8;
const DURATION: Duration = Duration::from_secs(5);
/// How long a page is given out again (`Limits::stats_age`).
const AGE: Duration = Duration::from_millis(250);

/// However often they ask, a collection is made every 250 milliseconds.
///
/// Beside it stands what one client gets that asks for two forms of the page in turns. A collection replaces all kept
/// pages and makes the one that was asked for, so none is ever at hand for that client.
pub fn scrape(service: &Service, login: &Login) -> Result<Verdict> {
    let before = service.trace.as_ref().map(|trace| trace.at_rest()).transpose()?;
    let kept = Loop::run(service, CLIENTS, &[login.get(STATS)])?;
    let seen = service.trace.as_ref().map(|trace| trace.at_rest()).transpose()?;
    let in_turns = Loop::run(service, 1, &[login.get(STATS), login.get(STATS_AS_TEXT)])?;

    // One that is running at the begin, and one for each period that has begun.
    let most = kept.took.as_millis().div_ceil(AGE.as_millis()) as usize + 1;
    let mut figures = format!("{CLIENTS} clients in a loop: {kept}, at most {most}");
    let mut is_kept = kept.statuses.keys().eq([&200]) && (1..=most).contains(&kept.reports.len());
    if let (Some(seen), Some(before)) = (seen, before) {
        let collections = seen.since(before).statistics;
        is_kept &= (1..=most).contains(&collections);
        figures += &format!("; traced: {collections} collections");
    }
    figures += &format!("; beside, one client that wants JSON and text in turns: {in_turns}");
    Ok(Verdict { is_kept, figures })
}

/// What clients in a loop were answered.
struct Loop {
    statuses: BTreeMap<u16, u32>,
    reports: HashSet<Vec<u8>>,
    took: Duration,
}

impl Loop {
    /// Each of the clients sends the requests in turns.
    fn run(service: &Service, clients: usize, requests: &[Vec<u8>]) -> Result<Self> {
        let mut client = Client::open(service.address, clients)?;
        let mut measured = Self { statuses: BTreeMap::new(), reports: HashSet::new(), took: Duration::ZERO };
        let mut sent = 0;
        let mut idle: Vec<_> = (0..clients).collect();
        let begin = Instant::now();
        while begin.elapsed() < DURATION {
            for connection in idle.drain(..) {
                client.send(connection, &requests[sent % requests.len()], Instant::now())?;
                sent += 1;
            }
            client.poll(Duration::from_millis(10), |answer| {
                idle.push(answer.connection);
                *measured.statuses.entry(answer.status).or_default() += 1;
                if !measured.reports.contains(answer.body) {
                    measured.reports.insert(answer.body.to_vec());
                }
            })?;
        }
        measured.took = begin.elapsed();
        Ok(measured)
    }
}

impl std::fmt::Display for Loop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let answered: u32 = self.statuses.values().sum();
        let per_second = f64::from(answered) / self.took.as_secs_f64();
        let reports = self.reports.len();
        write!(f, "{:?} in {:.1?}, {per_second:.0} a second, {reports} reports", self.statuses, self.took)
    }
}
