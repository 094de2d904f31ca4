//! Scrapers of statistics that send the next request as soon as they have an answer (S46).

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::Verdict;
use crate::Result;
use crate::client::Client;
use crate::request::{Login, STATS, STATS_AS_TEXT};
use crate::service::Service;

const CLIENTS: usize = 8;
const DURATION: Duration = Duration::from_secs(5);
/// How long a page is cached (`Limits::cache_stats_for`).
const AGE: Duration = Duration::from_millis(250);

/// However often the scrapers ask, there is at most one collection every 250 milliseconds for each form of the page.
/// They ask for two forms.
pub fn scrape(service: &Service, login: &Login) -> Result<Verdict> {
    let before = service.trace.as_ref().map(|trace| trace.at_rest()).transpose()?;
    let one_form = Loop::run(service, CLIENTS, &[login.get(STATS)])?;
    let between = service.trace.as_ref().map(|trace| trace.at_rest()).transpose()?;
    let two_forms = Loop::run(service, CLIENTS, &[login.get(STATS), login.get(STATS_AS_TEXT)])?;
    let after = service.trace.as_ref().map(|trace| trace.at_rest()).transpose()?;

    let mut figures = format!("{CLIENTS} clients in a loop: {one_form}; and in two forms: {two_forms}");
    let mut is_kept = one_form.is_bounded(1) && two_forms.is_bounded(2);
    if let (Some(before), Some(between), Some(after)) = (before, between, after) {
        let (one, two) = (between.since(before).statistics, after.since(between).statistics);
        is_kept &= (1..=one_form.most()).contains(&one) && (1..=2 * two_forms.most()).contains(&two);
        figures += &format!("; traced: {one} and {two} collections");
    }
    Ok(Verdict { is_kept, figures })
}

/// The answers that clients in a loop got.
struct Loop {
    statuses: BTreeMap<u16, u32>,
    reports: HashSet<Vec<u8>>,
    took: Duration,
}

impl Loop {
    /// Lets each client send the requests in turn.
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

impl Loop {
    /// The most collections for one form: one that is running at the start, and one for each period that has begun.
    fn most(&self) -> usize {
        self.took.as_nanos().div_ceil(AGE.as_nanos()) as usize + 1
    }

    fn is_bounded(&self, forms: usize) -> bool {
        self.statuses.keys().eq([&200]) && (1..=forms * self.most()).contains(&self.reports.len())
    }
}

impl std::fmt::Display for Loop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let answered: u32 = self.statuses.values().sum();
        let per_second = f64::from(answered) / self.took.as_secs_f64();
        let reports = self.reports.len();
        write!(
            f,
            "{:?} in {:.1?}, {per_second:.0} a second, {reports} reports (at most {} a form)",
            self.statuses,
            self.took,
            self.most()
        )
    }
}
