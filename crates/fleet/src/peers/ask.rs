//! The request to one peer for its report.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use memory_debug_report::{MemoryReport, MissingReason};
use rustls::ClientConfig;

use super::address::Address;
use super::connect::{connect, encrypt};
use super::{ConfiguredPeer, names};
use crate::caller::Caller;
use crate::exchange::{exchange, request};
use crate::fan_out::{Ask, Unanswered};
use crate::loopback::is_loopback;
use crate::missing::Missing;

/// A peer to ask.
#[derive(Debug)]
pub(super) struct Peer {
    /// The name of the peer in the fleet's report.
    pub(super) name: String,
    pub(super) address: Address,
    /// The address to use, if the host's name has several.
    pub(super) at: Option<SocketAddr>,
    /// Whether the secret may leave this machine unencrypted.
    allows_plain_http: bool,
}

impl Peer {
    pub(super) fn new(name: String, configured: &ConfiguredPeer, at: Option<SocketAddr>) -> Self {
        Self {
            name,
            address: configured.address.clone(),
            at,
            allows_plain_http: configured.allows_plain_http,
        }
    }

    /// Whether the secret may be sent to `found`. Checked even for `localhost`, because a name server chooses its
    /// address.
    pub(super) fn may_be_asked_at(&self, found: IpAddr) -> bool {
        self.address.is_tls || self.allows_plain_http || is_loopback(found)
    }
}

/// Asks peers for their reports.
#[derive(Debug)]
pub(super) struct AskPeer {
    pub(super) caller: Caller,
    pub(super) rows: usize,
    /// The TLS configuration. `None` if no peer is asked over TLS.
    pub(super) tls: Option<Result<Arc<ClientConfig>, Missing>>,
}

impl Ask for AskPeer {
    type Instance = Peer;
    type Answer = Result<MemoryReport, Missing>;

    fn ask(&self, peer: &Peer, end: Instant) -> Self::Answer {
        let address = &peer.address;
        let mut found = peer.at.map_or_else(|| names::start(address)?.wait(end), |at| Ok(vec![at]))?;
        found.retain(|found| peer.may_be_asked_at(found.ip()));
        if found.is_empty() {
            let detail = "its name has no address on this machine, so plain HTTP is not used; use https";
            return Err(Missing::new(MissingReason::Tls, detail));
        }
        // `force` concerns only this process: each peer checks its own memory.
        let request = request(&address.authority(), &address.path, self.rows, false, &self.caller);
        let stream = connect(&found, end)?;
        if !address.is_tls {
            return exchange(stream, &request, self.rows);
        }
        let no_tls = || Err(Missing::new(MissingReason::Tls, "TLS is not set up"));
        let tls = self.tls.clone().unwrap_or_else(no_tls)?;
        exchange(encrypt(stream, tls, address.host.clone())?, &request, self.rows)
    }

    fn unanswered(&self, _: &Peer, why: Unanswered) -> Self::Answer {
        Err(why.into())
    }
}
