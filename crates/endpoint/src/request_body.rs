//! Checks and reads the body of a request, within limits on its type, length and time.
//!
//! Only one operation takes a body. Every check that needs only the head of the request is made before any part of the
//! body is read.

use std::task::{Context, Poll, ready};

use bytes::Bytes;

use crate::flight::BodyTime;
use crate::limits::MAX_REQUEST_BODY_BYTES as MAX_BYTES;
use crate::parts::RequestParts;
use crate::reply::Problem;

/// The content type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The content type of JSON.
pub(crate) const JSON: &str = "application/json";

/// Refuses a body that the head declares to be unusable: of another type than `wanted`, encoded, or too long.
pub(crate) fn check(parts: &RequestParts<'_>, wanted: &'static str) -> Result<(), Problem> {
    if !is_of(parts, wanted) || !is_plain(&(parts.headers)("content-encoding")) {
        return Err(Problem::UnsupportedBody { wanted });
    }
    if (parts.headers)("content-length").into_iter().any(is_too_long) {
        return Err(Problem::BodyTooLarge);
    }
    Ok(())
}

/// Whether there is exactly one `Content-Type`, and it is `wanted`. Parameters are ignored: JSON is always UTF-8,
/// whatever `charset` says (RFC 8259), and so are the forms of our pages.
pub(crate) fn is_of(parts: &RequestParts<'_>, wanted: &str) -> bool {
    let [value] = *(parts.headers)("content-type") else { return false };
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes())
}

fn is_plain(encodings: &[&[u8]]) -> bool {
    let mut codings = encodings.iter().flat_map(|value| value.split(|&byte| byte == b','));
    codings.all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// Whether a `Content-Length` exceeds the limit. A value that is not a number is left for the server to refuse; the
/// bytes are counted here in any case.
fn is_too_long(length: &[u8]) -> bool {
    let length = length.trim_ascii();
    let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(length).ok().and_then(|digits| digits.parse::<usize>().ok());
    is_number && number.is_none_or(|number| number > MAX_BYTES)
}

/// A body that is being received.
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

    /// Polls for the whole body, or for the reason why it will not arrive. `next` polls for the next part.
    pub(crate) fn poll_read<E>(
        &mut self,
        context: &mut Context<'_>,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Result<Vec<u8>, Problem>> {
        if let Poll::Ready(problem) = self.time.poll_over(context) {
            return Poll::Ready(Err(problem));
        }
        // Ends, because each turn takes one part and the number of parts is limited.
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
