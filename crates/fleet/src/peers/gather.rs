//! Asks all peers while this process collects its own report.

use std::time::Instant;

use memory_debug_core::{instance_id, spawn_collecting};
use memory_debug_report::{Fleet, FleetReport, MemoryReport, MissingInstance, MissingReason};

use super::ask::{AskPeer, Peer};
use super::{MAX_PEERS, Peers, connect, names};
use crate::exchange::{self, FOR_ONE};
use crate::missing::Missing;
use crate::neighbours::{CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport, PendingReport};
use crate::random::fill_random;
use crate::wait::wait;

/// The name of this process in the fleet's report.
const OWN: &str = "this instance";

impl Neighbours for Peers {
    fn id(&self) -> NeighboursId {
        self.id
    }

    fn ask(&self, query: &FleetQuery<'_>, own: OwnReport<'_>) -> Result<FleetReport, CannotAsk> {
        let own = own();
        // Before the time for the peers starts, because the system's certificates can be hundreds of files.
        let needs_tls = self.configured.iter().any(|configured| configured.address.is_tls);
        let tls = needs_tls.then(|| connect::tls(self.authorities.clone()));
        let fan_out = exchange::fan_out(query.deadline);
        let mut fleet = Fleet::new("peers");
        let mut with_own_id = Vec::new();
        let peers = self.find(fan_out.end, query.shows_host, &mut fleet);
        let ask = AskPeer { caller: self.caller.clone(), rows: query.rows, tls };
        let spawn = |work| spawn_collecting(work).map(drop);
        let asked = fan_out.ask_all(peers, ask, spawn, |peer, answer| match answer {
            // The report of this process under another name, or of an instance that claims its id. It must be added
            // after this process's own report.
            Ok(report) if report.instance.id == instance_id() => with_own_id.push((peer.name, report)),
            Ok(report) => fleet.add(peer.name, &report),
            Err(missing) => fleet.miss(missing.of(peer.name)),
        });
        asked.map_err(|_no_thread| CannotAsk::NoThread)?;
        match own.and_then(|own| wait_for_own(own, fan_out.end)) {
            Ok(report) => fleet.add(OWN, &report),
            Err(missing) => fleet.miss(missing.of(OWN)),
        }
        with_own_id.iter().for_each(|(name, report)| fleet.add(name, report));
        Ok(fleet.finish())
    }
}

impl Peers {
    /// Finds the peers to ask, and their names in the fleet's report. Their order differs each time, so that a short
    /// deadline does not always leave out the same peers.
    fn find(&self, end: Instant, shows_host: bool, fleet: &mut Fleet) -> Vec<Peer> {
        let mut peers = Vec::new();
        let mut lookups = Vec::new();
        for (number, configured) in (1..).zip(&self.configured) {
            let name = |hidden| {
                if shows_host { configured.address.to_string() } else { format!("{hidden} {number}") }
            };
            if configured.is_every_address {
                // All lookups start together. Their results are awaited below.
                lookups.push((name("peers"), configured, names::start(&configured.address)));
            } else {
                peers.push(Peer::new(name("peer"), configured, None));
            }
        }
        let end = end.min(Instant::now() + FOR_ONE);
        for (name, configured, lookup) in lookups {
            match lookup.and_then(|lookup| lookup.wait(end)) {
                Ok(found) => peers.extend((1..).zip(found).map(|(number, at)| {
                    let hidden = || format!("{name}, address {number}");
                    Peer::new(
                        if shows_host { configured.address.at(at) } else { hidden() },
                        configured,
                        Some(at),
                    )
                })),
                Err(missing) => fleet.miss(missing.of(name)),
            }
        }
        shuffle(&mut peers);
        limit(&mut peers, fleet);
        peers
    }
}

/// Rotates the list by a random number. Without randomness, the order stays the same.
fn shuffle(peers: &mut [Peer]) {
    let mut random = [0; 8];
    if !peers.is_empty() && fill_random(&mut random).is_ok() {
        peers.rotate_left((u64::from_le_bytes(random) % peers.len() as u64) as usize);
    }
}

/// Removes the peers beyond the limit, and notes their number in the fleet's report.
pub(super) fn limit(peers: &mut Vec<Peer>, fleet: &mut Fleet) {
    let beyond = peers.len().saturating_sub(MAX_PEERS);
    if beyond > 0 {
        let detail =
            format!("{beyond} more peers were found than the limit of {MAX_PEERS}; they are not asked");
        fleet.miss(MissingInstance::new("more peers", MissingReason::TooMany, detail));
        peers.truncate(MAX_PEERS);
    }
}

fn wait_for_own(own: PendingReport, end: Instant) -> Result<MemoryReport, Missing> {
    wait(own, Some(end)).unwrap_or_else(|| {
        Err(Missing::new(MissingReason::Deadline, "it is still collecting; try again in a while"))
    })
}
