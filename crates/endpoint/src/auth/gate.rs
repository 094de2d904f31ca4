//! The authentication gate: the checks that a request must pass before anything else about it is read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::auth::authenticate::{Authorized, Claim, ClaimBuffer};
use crate::auth::credentials::Credentials;
use crate::auth::guess_limiter::GuessLimiter;
use crate::auth::secret::wiping_the_stack;
use crate::auth::transport::{PlainHttp, Transport};
use crate::parts::RequestParts;

/// Turns away requests that are not authenticated, with the cheapest check first.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) credentials: Credentials,
    /// The credentials of peers.
    pub(crate) peers: Option<Credentials>,
    pub(crate) transport: Transport,
    /// Shared by clones. Otherwise each clone would have its own limit.
    guesses: Arc<GuessLimiter>,
}

/// The reason why a request was turned away. The reply depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Others may have read the password, so it was not checked.
    PlainHttp,
    /// Too many wrong passwords came from this address. No password is checked until this time has passed.
    Throttled(Duration),
    /// The password is missing or wrong.
    Unauthorized,
}

impl Gate {
    pub(crate) fn new(credentials: Credentials) -> Self {
        let (peers, transport, guesses) = Default::default();
        Self { credentials, peers, transport, guesses }
    }

    pub(crate) fn pass(&self, parts: &RequestParts<'_>, now: Instant) -> Result<Authorized, Refusal> {
        if self.transport.plain_http == PlainHttp::Refuse && !self.transport.is_private(parts) {
            return Err(Refusal::PlainHttp);
        }
        wiping_the_stack(|| self.check_claim(parts, now))
    }

    fn check_claim(&self, parts: &RequestParts<'_>, now: Instant) -> Result<Authorized, Refusal> {
        let mut buffer = ClaimBuffer::default();
        let values = (parts.headers)("authorization");
        let claim = Claim::read(values, &mut buffer).ok_or(Refusal::Unauthorized)?;
        self.credentials.refresh(now);
        if !self.credentials.can_be_guessed() {
            return self.prove(&claim);
        }
        let guess = self.guesses.take(parts.connection.peer, now).map_err(Refusal::Throttled)?;
        let proof = self.prove(&claim)?;
        self.guesses.give_back(guess);
        Ok(proof)
    }

    /// Checks the logins of peers even if an operator's login matches, so that the time reveals nothing.
    fn prove(&self, claim: &Claim<'_>) -> Result<Authorized, Refusal> {
        let operator = claim.prove(&self.credentials);
        let peer = self.peers.as_ref().and_then(|peers| claim.prove(peers));
        operator.or(peer.map(Authorized::of_peer)).ok_or(Refusal::Unauthorized)
    }

    /// Whether to warn that this password could be read on its way.
    pub(crate) fn should_warn_about_plain_http(&self, parts: &RequestParts<'_>) -> bool {
        self.transport.plain_http == PlainHttp::Warn && !self.transport.is_private(parts)
    }
}

impl Refusal {
    /// The name of the refusal in audit events.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::PlainHttp => "plain-http",
            Self::Throttled(_) => "throttled",
            Self::Unauthorized => "unauthorized",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Connection;

    fn should_warn_about_plain_http(plain_http: PlainHttp, tls: Option<bool>) -> bool {
        let mut gate = Gate::new(Credentials::allow_weak("ops", "x").unwrap());
        gate.transport.plain_http = plain_http;
        gate.should_warn_about_plain_http(&RequestParts {
            method: "GET",
            authority: None,
            path: "/debug/memory",
            query: None,
            headers: &|_| Vec::new(),
            connection: Connection { peer: Some([192, 0, 2, 7].into()), tls },
        })
    }

    #[test]
    fn s17_a_password_over_plain_http_causes_a_warning_unless_allowed() {
        assert!(should_warn_about_plain_http(PlainHttp::Warn, None));
        assert!(should_warn_about_plain_http(PlainHttp::Warn, Some(false)));
        assert!(!should_warn_about_plain_http(PlainHttp::Warn, Some(true)));
        assert!(!should_warn_about_plain_http(PlainHttp::Allow, None));
        assert!(!should_warn_about_plain_http(PlainHttp::Refuse, Some(true)));
    }

    #[test]
    fn s64_each_refusal_has_a_name_in_audit_events() {
        let refusals = [Refusal::PlainHttp, Refusal::Throttled(Duration::ZERO), Refusal::Unauthorized];
        assert_eq!(refusals.map(Refusal::outcome), ["plain-http", "throttled", "unauthorized"]);
    }
}
