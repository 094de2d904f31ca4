//! The endpoint on the socket for siblings.

use std::net::Ipv4Addr;

use memory_debug_fleet::{AnswerSiblings, SiblingReply, SiblingRequest, wait};

use super::Endpoint;
use crate::audit;
use crate::parts::{Connection, RequestParts};
use crate::reply::Reply;

/// Answers siblings with the pages of an endpoint.
pub(super) struct ForSiblings(pub(super) Endpoint);

impl AnswerSiblings for ForSiblings {
    fn has_path(&self, path: &str) -> bool {
        self.0.matches(path)
    }

    fn answer(&self, request: &SiblingRequest<'_>) -> SiblingReply {
        let outcome = self.0.handle(RequestParts {
            method: request.method,
            authority: None,
            path: request.path,
            query: request.query,
            headers: request.headers,
            connection: Connection { peer: Some(Ipv4Addr::LOCALHOST.into()), tls: None },
        });
        // Returns by the deadline of the request.
        let Some(Reply { status, headers, body }) = wait(outcome, None) else {
            return SiblingReply::not_found();
        };
        SiblingReply { status, headers, body: Box::new(body) }
    }

    fn cannot_listen(&self, reason: &str) {
        audit::no_siblings(reason);
    }
}
