//! The body of a request: of what type, how much of it, for how long.
//!
//! One operation takes a body. All that can be said against a request by its head is said before any of its body is
//! asked for.

use std::task::{Context, Poll, ready};

use bytes::Bytes;

use crate::flight::BodyTime;
use crate::limits::MAX_REQUEST_BODY_BYTES as MAX_BYTES;
use crate::parts::RequestParts;
use crate::reply::Problem;

/// Refuses by its head a body that would not be read: one that is no JSON, is encoded, or is too long.
pub(crate) fn check(parts: &RequestParts<'_>) -> Result<(), Problem> {
    if !is_json(&(parts.headers)("content-type")) || !is_plain(&(parts.headers)("content-encoding")) {
        return Err(Problem::UnsupportedBody);
    }
    if (parts.headers)("content-length").into_iter().any(is_too_long) {
        return Err(Problem::BodyTooLarge);
    }
    Ok(())
}

/// Exactly one type, whatever its parameters. JSON is UTF-8, and a `charset` does not make it anything else (RFC 8259).
fn is_json(types: &[&[u8]]) -> bool {
    let [value] = types else { return false };
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

fn is_plain(encodings: &[&[u8]]) -> bool {
    let mut codings = encodings.iter().flat_map(|value| value.split(|&byte| byte == b','));
    codings.all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// What is no number is for the server to refuse; here the bytes are counted anyway.
fn is_too_long(length: &[u8]) -> bool {
    let length = length.trim_ascii();
    let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(length).ok().and_then(|digits| digits.parse::<usize>().ok());
    is_number && number.is_none_or(|number| number > MAX_BYTES)
}

/// A body on its way.
#[derive(Debug)]
pub(crate) struct RequestBody {
    bytes: Vec<u8>,
    parts: usize,
    time: BodyTime,
}

impl RequestBody {
    pub(crate) fn new(time: BodyTime) -> Self {
        Self { bytes: Vec::new(), parts: 0, time }
    }

    /// The whole body, once it is there or there is no more hope for it. `next` polls for the next part.
    pub(crate) fn poll_read<E>(
        &mut self,
        context: &mut Context<'_>,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Result<Vec<u8>, Problem>> {
        if let Poll::Ready(problem) = self.time.poll_over(context) {
            return Poll::Ready(Err(problem));
        }
        // Ends: each turn takes a part, and there may be only so many.
        loop {
            let Some(part) = ready!(next(context)) else {
                return Poll::Ready(Ok(std::mem::take(&mut self.bytes)));
            };
            let Ok(part) = part else { return Poll::Ready(Err(Problem::invalid_body("ended too early"))) };
            self.parts += 1;
            if self.bytes.len().saturating_add(part.len()).max(self.parts) > MAX_BYTES {
                return Poll::Ready(Err(Problem::BodyTooLarge));
            }
            self.bytes.extend_from_slice(&part);
        }
    }
}

#[cfg(test)]
mod tests;
