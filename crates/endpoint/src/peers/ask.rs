//! Asks one peer for its report.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use memory_debug_core::{MemoryReport, MissingReason};
use rustls::ClientConfig;

use super::address::{Address, stays_here};
use super::connect::{connect, encrypt};
use super::names::look_up;
use crate::fleet::Caller;
use crate::fleet::exchange::{Missing, exchange, request};
use crate::fleet::fan_out::{Ask, FOR_ONE};

/// A page to ask for.
#[derive(Debug)]
pub(super) struct Peer {
    /// How the fleet names it.
    pub(super) name: String,
    pub(super) address: Address,
    /// Of several addresses that the host's name has, this one.
    pub(super) at: Option<SocketAddr>,
}

/// What all are asked, and how.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) caller: Caller,
    pub(super) rows: usize,
    /// Whether the secret may cross a network in the clear.
    pub(super) allows_plain_http: bool,
    /// Or why there is no TLS.
    pub(super) tls: Result<Arc<ClientConfig>, Missing>,
}

impl Ask for Question {
    type Whom = Peer;

    fn name(peer: &Peer) -> String {
        peer.name.clone()
    }

    fn ask(&self, peer: &Peer, end: Instant) -> Option<Result<MemoryReport, Missing>> {
        Some(self.ask_within(peer, end.min(Instant::now() + FOR_ONE)))
    }
}

impl Question {
    fn ask_within(&self, peer: &Peer, end: Instant) -> Result<MemoryReport, Missing> {
        let address = &peer.address;
        let mut found = peer.at.map_or_else(|| look_up(address, end), |at| Ok(vec![at]))?;
        if !address.is_tls && !self.allows_plain_http {
            // What `localhost` is, is for the name server to say.
            found.retain(|found| stays_here(found.ip()));
            if found.is_empty() {
                let detail = "it is not on this machine, and so is not asked by plain HTTP";
                return Err((MissingReason::Tls, detail.to_owned()));
            }
        }
        // Force is for this process: what others have left is theirs to judge.
        let request = request(&address.authority(), &address.path, self.rows, false, &self.caller);
        let stream = connect(&found, end)?;
        if address.is_tls {
            exchange(encrypt(stream, self.tls.clone()?, address.host.clone())?, &request)
        } else {
            exchange(stream, &request)
        }
    }
}
