//! Asks all of them, and this process itself.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use memory_debug_core::{Fleet, FleetReport, MemoryReport, MissingInstance, MissingReason, instance_id};
use zeroize::Zeroizing;

use super::ask::{Peer, Question};
use super::{MAX_PEERS, Peers, USER, connect, names};
use crate::auth::fill_random;
use crate::fleet::Caller;
use crate::fleet::exchange::Missing;
use crate::fleet::fan_out::{self, FOR_ONE};
use crate::fleet::wait::wait;
use crate::flight::Waiting;
use crate::reply::Problem;

/// How the fleet names the one that is asked.
const OWN: &str = "this instance";

impl Peers {
    /// Asks all of them, and adds this process's own report, which is being made meanwhile.
    ///
    /// # Errors
    ///
    /// If there is no thread to ask on.
    pub(crate) fn ask(
        &self,
        own: Result<Waiting, Problem>,
        rows: usize,
        shows_host: bool,
        deadline: Duration,
    ) -> Result<FleetReport, Problem> {
        // Before the time of the peers begins: it may mean to read hundreds of files.
        let needs_tls = self.named.iter().any(|named| named.address.is_tls);
        let tls = needs_tls.then(|| connect::tls(self.authorities.clone()));
        let end = fan_out::end(deadline);
        let (mut fleet, mut like_own) = (Fleet::new("peers"), Vec::new());
        let peers = self.find(end, shows_host, &mut fleet);
        let question = Question { caller: self.caller(), rows, tls };
        let asked = fan_out::ask_all(peers, question, end, |name, answer| match answer {
            // This process under another name, or one that says so: it is added after this one.
            Ok(report) if report.instance.id == instance_id() => like_own.push((name, report)),
            Ok(report) => fleet.add(name, &report),
            Err((reason, detail)) => fleet.miss(MissingInstance::new(name, reason, detail)),
        });
        asked.map_err(|_no_thread| Problem::NoThread)?;
        match own.map_err(of_own).and_then(|own| report_of_own(own, rows, end)) {
            Ok(report) => fleet.add(OWN, &report),
            Err((reason, detail)) => fleet.miss(MissingInstance::new(OWN, reason, detail)),
        }
        like_own.iter().for_each(|(name, report)| fleet.add(name, report));
        Ok(fleet.finish())
    }

    /// Those there are, by the names that the fleet has for them, in an order that is another each time: if there is not
    /// time for all, it is not always the same ones who are not asked.
    fn find(&self, end: Instant, shows_host: bool, fleet: &mut Fleet) -> Vec<Peer> {
        let (mut peers, mut lookups) = (Vec::new(), Vec::new());
        for (number, named) in (1..).zip(&self.named) {
            let name =
                |hidden| if shows_host { named.address.to_string() } else { format!("{hidden} {number}") };
            if named.is_each {
                // All at once, and then whatever has come of them.
                lookups.push((name("peers"), named, names::begin(&named.address)));
            } else {
                peers.push(Peer::new(name("peer"), named, None));
            }
        }
        let end = end.min(Instant::now() + FOR_ONE);
        for (name, named, lookup) in lookups {
            match lookup.and_then(|lookup| lookup.wait(end)) {
                Ok(found) => peers.extend((1..).zip(found).map(|(number, at)| {
                    let hidden = || format!("{name}, address {number}");
                    Peer::new(if shows_host { named.address.at(at) } else { hidden() }, named, Some(at))
                })),
                Err((reason, detail)) => fleet.miss(MissingInstance::new(name, reason, detail)),
            }
        }
        shuffle(&mut peers);
        limit(&mut peers, fleet);
        peers
    }

    pub(super) fn caller(&self) -> Caller {
        // Joined at once: text that grows leaves copies behind that are not wiped.
        let pair = Zeroizing::new([USER, self.secret.expose()].join(":"));
        let token = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Caller::new([b"Basic ", token.as_bytes()].concat())
    }
}

/// Begins somewhere else each time. Without randomness, at the beginning.
fn shuffle(peers: &mut [Peer]) {
    let mut random = [0; 8];
    if !peers.is_empty() && fill_random(&mut random).is_ok() {
        peers.rotate_left((u64::from_le_bytes(random) % peers.len() as u64) as usize);
    }
}

/// Leaves out those that are too many, which the fleet is told.
pub(super) fn limit(peers: &mut Vec<Peer>, fleet: &mut Fleet) {
    let beyond = peers.len().saturating_sub(MAX_PEERS);
    if beyond > 0 {
        let detail = format!("{beyond} more were found than the {MAX_PEERS} that are asked");
        fleet.miss(MissingInstance::new("more peers", MissingReason::TooMany, detail));
        peers.truncate(MAX_PEERS);
    }
}

/// This process's own report, as soon as it is there.
fn report_of_own(own: Waiting, rows: usize, end: Instant) -> Result<MemoryReport, Missing> {
    match wait(own, Some(end)) {
        Some(Ok(page)) => MemoryReport::for_fleet(&page.body, rows)
            .map_err(|why| (MissingReason::NoReport, format!("its report {why}"))),
        Some(Err(problem)) => Err(of_own(problem)),
        None => Err((MissingReason::Deadline, "it still collects; ask again in a while".to_owned())),
    }
}

fn of_own(problem: Problem) -> Missing {
    (MissingReason::Refused, problem.detail().into_owned())
}
