//! Asks one peer for its report.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use memory_debug_core::{MemoryReport, MissingReason};
use rustls::ClientConfig;

use super::address::{Address, stays_here};
use super::connect::{connect, encrypt};
use super::{Named, names};
use crate::fleet::Caller;
use crate::fleet::exchange::{Missing, exchange, request};
use crate::fleet::fan_out::Ask;

/// A page to ask for.
#[derive(Debug)]
pub(super) struct Peer {
    /// How the fleet names it.
    pub(super) name: String,
    pub(super) address: Address,
    /// Of several addresses that the host's name has, this one.
    pub(super) at: Option<SocketAddr>,
    /// Whether the secret may leave this machine in the clear on its way there.
    may_leave: bool,
}

impl Peer {
    pub(super) fn new(name: String, named: &Named, at: Option<SocketAddr>) -> Self {
        Self { name, address: named.address.clone(), at, may_leave: named.may_leave }
    }

    /// Whether the secret may go there. What `localhost` is, is for the name server to say.
    pub(super) fn may_be_asked_at(&self, found: IpAddr) -> bool {
        self.address.is_tls || self.may_leave || stays_here(found)
    }
}

/// What all are asked, and how.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) caller: Caller,
    pub(super) rows: usize,
    /// `None` if nobody is asked over TLS.
    pub(super) tls: Option<Result<Arc<ClientConfig>, Missing>>,
}

impl Ask for Question {
    type Whom = Peer;

    fn name(peer: &Peer) -> String {
        peer.name.clone()
    }

    fn ask(&self, peer: &Peer, end: Instant) -> Option<Result<MemoryReport, Missing>> {
        Some(self.ask_until(peer, end))
    }
}

impl Question {
    fn ask_until(&self, peer: &Peer, end: Instant) -> Result<MemoryReport, Missing> {
        let address = &peer.address;
        let mut found = peer.at.map_or_else(|| names::begin(address)?.wait(end), |at| Ok(vec![at]))?;
        found.retain(|found| peer.may_be_asked_at(found.ip()));
        if found.is_empty() {
            let detail = "it is not on this machine, and so is not asked by plain HTTP";
            return Err((MissingReason::Tls, detail.to_owned()));
        }
        // Force is for this process: what others have left is theirs to judge.
        let request = request(&address.authority(), &address.path, self.rows, false, &self.caller);
        let stream = connect(&found, end)?;
        if !address.is_tls {
            return exchange(stream, &request, self.rows);
        }
        let tls =
            self.tls.clone().unwrap_or_else(|| Err((MissingReason::Tls, "there is no TLS".to_owned())))?;
        exchange(encrypt(stream, tls, address.host.clone())?, &request, self.rows)
    }
}
