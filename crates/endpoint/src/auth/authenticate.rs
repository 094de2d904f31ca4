//! Authentication: from the bytes of the `Authorization` header to a proof that the sender knows the
//! credentials.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::auth::credentials::{Credentials, MAX_PAIR_BYTES};
use crate::auth::role::Role;
use crate::auth::secret::wiping_the_stack;

/// The maximum length of a header value.
const MAX_HEADER_BYTES: usize = 4096;

/// The base64 length of the longest pair, and the buffer size that its decoder needs.
const MAX_TOKEN_BYTES: usize = MAX_PAIR_BYTES.div_ceil(3) * 4;
const DECODE_BYTES: usize = MAX_PAIR_BYTES.div_ceil(3) * 3;

/// Proof that a request came with the right credentials. Collecting and rendering require it, so a route that
/// forgets to authenticate does not compile.
#[derive(Clone, Debug)]
pub struct Authorized {
    user: Arc<str>,
    role: Role,
    is_peer: bool,
}

impl Authorized {
    /// The user of the login.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user as a shared text.
    pub(crate) fn login(&self) -> &Arc<str> {
        &self.user
    }

    /// The role of the login.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the request came with the secret of peers instead of an operator's password.
    pub(crate) fn is_peer(&self) -> bool {
        self.is_peer
    }

    /// Marks this as the proof of a peer.
    pub(crate) fn of_peer(self) -> Self {
        Self { is_peer: true, ..self }
    }
}

/// The error of a request that was not authenticated. Missing, malformed and wrong credentials are indistinguishable on
/// purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unauthorized;

/// Checks all `Authorization` headers of a request against `credentials`, as in RFC 7617.
///
/// Exactly one header is accepted. If there were two, a proxy might have checked one and we the other.
///
/// # Errors
///
/// [`Unauthorized`] unless there is exactly one well-formed header with the right user and password.
pub fn authenticate<'a>(
    credentials: &Credentials,
    values: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Authorized, Unauthorized> {
    wiping_the_stack(|| {
        let mut buffer = ClaimBuffer::default();
        let claim = Claim::read(values, &mut buffer).ok_or(Unauthorized)?;
        credentials.refresh(Instant::now());
        claim.prove(credentials).ok_or(Unauthorized)
    })
}

/// The buffer in which a claim is decoded, wiped on drop. It must not be moved while it holds a claim,
/// because a move leaves a copy behind.
pub(crate) struct ClaimBuffer(Zeroizing<[u8; DECODE_BYTES]>);

impl Default for ClaimBuffer {
    fn default() -> Self {
        Self(Zeroizing::new([0; DECODE_BYTES]))
    }
}

/// A user and a password from a request, well-formed but not yet verified.
pub(crate) struct Claim<'r> {
    user: &'r [u8],
    password: &'r [u8],
}

impl<'r> Claim<'r> {
    /// Decodes the claim if there is exactly one header value.
    pub(crate) fn read<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
        buffer: &'r mut ClaimBuffer,
    ) -> Option<Self> {
        let mut values = values.into_iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        Self::decode(token68(value)?, buffer)
    }

    /// Decodes strictly (standard alphabet, canonical padding, no space, at most [`MAX_PAIR_BYTES`]) and
    /// splits at the first colon. Passwords may contain colons.
    fn decode(token: &[u8], buffer: &'r mut ClaimBuffer) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let length = STANDARD.decode_slice(token, buffer.0.as_mut_slice()).ok()?;
        let pair = &buffer.0[..length];
        if length > MAX_PAIR_BYTES || pair.iter().any(u8::is_ascii_control) {
            return None;
        }
        let colon = pair.iter().position(|&byte| byte == b':')?;
        Some(Self { user: &pair[..colon], password: &pair[colon + 1..] })
    }

    /// Returns the proof if user and password match a login.
    pub(crate) fn prove(&self, credentials: &Credentials) -> Option<Authorized> {
        let (user, role) = credentials.verify(self.user, self.password)?;
        Some(Authorized { user, role, is_peer: false })
    }
}

/// The part of a header value after the scheme `Basic` and one or more spaces.
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
