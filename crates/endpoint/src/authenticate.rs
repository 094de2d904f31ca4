//! From the bytes of the `Authorization` header to the proof that the sender knows the credentials.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::credentials::{Credentials, MAX_PAIR_BYTES};
use crate::role::Role;

/// Longest header value that is looked at.
const MAX_HEADER_BYTES: usize = 4096;

/// Base64 of the longest pair, and the room that its decoder asks for.
const MAX_TOKEN_BYTES: usize = MAX_PAIR_BYTES.div_ceil(3) * 4;
const DECODE_BYTES: usize = MAX_PAIR_BYTES.div_ceil(3) * 3;

/// The proof that a request came with the right credentials. Collecting and rendering ask for it, so a route that
/// forgets to authenticate does not compile.
#[derive(Clone, Debug)]
pub struct Authorized {
    user: Arc<str>,
    role: Role,
    is_peer: bool,
}

impl Authorized {
    /// Whose password it was.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The same, to be kept.
    pub(crate) fn login(&self) -> &Arc<str> {
        &self.user
    }

    /// What they may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether it was the secret of peers, and no operator's password.
    pub(crate) fn is_peer(&self) -> bool {
        self.is_peer
    }

    /// The same of a peer.
    pub(crate) fn of_peer(self) -> Self {
        Self { is_peer: true, ..self }
    }
}

/// The request did not prove who it is from. Why is nobody's business: missing, malformed and wrong look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unauthorized;

/// Checks the values of all `Authorization` headers of a request against `credentials`, as RFC 7617 has it.
///
/// Exactly one header is accepted. Where there are two, a proxy might have looked at one and we at the other.
///
/// # Errors
///
/// [`Unauthorized`] for everything that is not one well-formed header with the right user and password.
pub fn authenticate<'a>(
    credentials: &Credentials,
    values: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Authorized, Unauthorized> {
    let claim = Claim::read(values).ok_or(Unauthorized)?;
    credentials.refresh(Instant::now());
    claim.prove(credentials).ok_or(Unauthorized)
}

/// A user and a password as a request has them, well-formed and not yet compared with anything. Wiped on drop.
pub(crate) struct Claim {
    pair: Zeroizing<[u8; DECODE_BYTES]>,
    length: usize,
    colon: usize,
}

impl Claim {
    /// Reads the one header that there may be.
    pub(crate) fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut values = values.into_iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        Self::decode(token68(value)?)
    }

    /// Decodes strictly (standard alphabet, canonical padding, no space, at most [`MAX_PAIR_BYTES`]) and splits at the
    /// first colon. Passwords may contain more of them.
    fn decode(token: &[u8]) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let mut pair = Zeroizing::new([0; DECODE_BYTES]);
        let length = STANDARD.decode_slice(token, pair.as_mut_slice()).ok()?;
        if length > MAX_PAIR_BYTES || pair[..length].iter().any(u8::is_ascii_control) {
            return None;
        }
        let colon = pair[..length].iter().position(|&byte| byte == b':')?;
        Some(Self { pair, length, colon })
    }

    /// The proof, if they are those of a login.
    pub(crate) fn prove(&self, credentials: &Credentials) -> Option<Authorized> {
        let (user, password) = (&self.pair[..self.colon], &self.pair[self.colon + 1..self.length]);
        let (user, role) = credentials.verify(user, password)?;
        Some(Authorized { user, role, is_peer: false })
    }
}

/// What follows the scheme `Basic` and one or more spaces.
fn token68(value: &[u8]) -> Option<&[u8]> {
    if value.len() > MAX_HEADER_BYTES {
        return None;
    }
    let space = value.iter().position(|&byte| byte == b' ')?;
    let (scheme, rest) = value.split_at(space);
    let token = &rest[rest.iter().position(|&byte| byte != b' ')?..];
    scheme.eq_ignore_ascii_case(b"basic").then_some(token)
}

#[cfg(test)]
mod tests;
