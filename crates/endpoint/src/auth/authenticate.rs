//! From the bytes of the `Authorization` header to the proof that the sender knows the credentials.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::auth::credentials::{Credentials, MAX_PAIR_BYTES};
use crate::auth::role::Role;
use crate::auth::secret::wiping_the_stack;

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
    wiping_the_stack(|| {
        let mut room = ClaimRoom::default();
        let claim = Claim::read(values, &mut room).ok_or(Unauthorized)?;
        credentials.refresh(Instant::now());
        claim.prove(credentials).ok_or(Unauthorized)
    })
}

/// Where a claim is decoded. It stays where it is while it has something in it: what is moved leaves a copy. Wiped on
/// drop.
pub(crate) struct ClaimRoom(Zeroizing<[u8; DECODE_BYTES]>);

impl Default for ClaimRoom {
    fn default() -> Self {
        Self(Zeroizing::new([0; DECODE_BYTES]))
    }
}

/// A user and a password as a request has them, well-formed and not yet compared with anything.
pub(crate) struct Claim<'r> {
    user: &'r [u8],
    password: &'r [u8],
}

impl<'r> Claim<'r> {
    /// Reads the one header that there may be.
    pub(crate) fn read<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
        room: &'r mut ClaimRoom,
    ) -> Option<Self> {
        let mut values = values.into_iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        Self::decode(token68(value)?, room)
    }

    /// Decodes strictly (standard alphabet, canonical padding, no space, at most [`MAX_PAIR_BYTES`]) and splits at the
    /// first colon. Passwords may contain more of them.
    fn decode(token: &[u8], room: &'r mut ClaimRoom) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let length = STANDARD.decode_slice(token, room.0.as_mut_slice()).ok()?;
        let pair = &room.0[..length];
        if length > MAX_PAIR_BYTES || pair.iter().any(u8::is_ascii_control) {
            return None;
        }
        let colon = pair.iter().position(|&byte| byte == b':')?;
        Some(Self { user: &pair[..colon], password: &pair[colon + 1..] })
    }

    /// The proof, if they are those of a login.
    pub(crate) fn prove(&self, credentials: &Credentials) -> Option<Authorized> {
        let (user, role) = credentials.verify(self.user, self.password)?;
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
