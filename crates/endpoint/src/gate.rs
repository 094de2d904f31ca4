//! What a request has to pass before anything else about it is looked at.

use std::time::Instant;

use crate::authenticate::{Authorized, Claim};
use crate::credentials::Credentials;
use crate::parts::RequestParts;
use crate::reply::Reply;
use crate::transport::{PlainHttp, Transport};

/// Turns away whoever has proved nothing, cheapest question first.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) credentials: Credentials,
    pub(crate) transport: Transport,
}

/// Why a request was turned away. Its reply depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Others may have read the password, so it is not looked at.
    PlainHttp,
    /// There is no password, or not the right one.
    Unauthorized,
}

impl Gate {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, transport: Transport::default() }
    }

    pub(crate) fn pass(&self, parts: &RequestParts<'_>, now: Instant) -> Result<Authorized, Refusal> {
        if self.transport.plain_http == PlainHttp::Refuse && !self.transport.is_private(parts) {
            return Err(Refusal::PlainHttp);
        }
        let claim = Claim::read((parts.headers)("authorization")).ok_or(Refusal::Unauthorized)?;
        self.credentials.refresh(now);
        claim.prove(&self.credentials).ok_or(Refusal::Unauthorized)
    }

    /// Whether somebody should be told that this password could be read on its way.
    pub(crate) fn deplores(&self, parts: &RequestParts<'_>) -> bool {
        self.transport.plain_http == PlainHttp::Warn && !self.transport.is_private(parts)
    }
}

impl Refusal {
    /// For the audit.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::PlainHttp => "plain-http",
            Self::Unauthorized => "unauthorized",
        }
    }

    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::PlainHttp => Reply::plain_http(),
            Self::Unauthorized => Reply::unauthorized(),
        }
    }
}
