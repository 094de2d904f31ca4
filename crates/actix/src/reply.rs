//! Converts requests and replies between actix-web and the endpoint.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_core::Stream;
use memory_debug_endpoint::{Connection, Endpoint, Reply, ReplyFuture, RequestParts};

/// Hands a request to the endpoint, as a request for `path`.
pub(crate) fn handle(endpoint: &Endpoint, request: &ServiceRequest, path: &str) -> ReplyFuture {
    endpoint.handle(RequestParts {
        method: request.method().as_str(),
        authority: request.uri().authority().map(Authority::as_str),
        path,
        query: request.uri().query(),
        headers: &|name| request.headers().get_all(name).map(HeaderValue::as_bytes).collect(),
        connection: Connection {
            peer: request.peer_addr().map(|address| address.ip()),
            tls: Some(request.app_config().secure()),
        },
    })
}

/// The future of the response to one request for the page.
pub(crate) struct Answer {
    request: HttpRequest,
    outcome: ReplyFuture,
    /// The request body. Dropped unread, unless the reply depends on it.
    payload: Option<Payload>,
}

impl Answer {
    pub(crate) fn new(request: ServiceRequest, outcome: ReplyFuture) -> Self {
        let (request, payload) = request.into_parts();
        let payload = outcome.needs_body().then_some(payload);
        Self { request, outcome, payload }
    }
}

impl Future for Answer {
    type Output = ServiceResponse;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ServiceResponse> {
        let Self { request, outcome, payload } = &mut *self;
        let reply = ready!(outcome.poll_with_body(context, |context| match payload {
            Some(payload) => Pin::new(payload).poll_next(context),
            None => Poll::Ready(None),
        }));
        Poll::Ready(ServiceResponse::new(request.clone(), response(request, reply)))
    }
}

/// The most bytes that the server gets at once.
const PART_BYTES: usize = 32 << 10;

/// A body that reaches the server in parts, as fast as the client reads them.
///
/// actix-web copies each part into the connection's buffer at once. In one part, the whole reply would be copied, and
/// the endpoint could not tell that the client has not read it.
struct InParts(Bytes);

impl MessageBody for InParts {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.0.len().min(PART_BYTES);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }
}

/// Converts the endpoint's reply to `request`.
fn response(request: &HttpRequest, reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).expect("the endpoint uses registered status codes");
    // A response to HEAD has no length, because the length would have to equal the length of the response to GET.
    let body = match *request.method() {
        Method::HEAD => BoxBody::new(body::None::new()),
        _ => BoxBody::new(InParts(reply.body)),
    };
    let mut response = HttpResponse::with_body(status, body);
    for (name, value) in reply.headers {
        let value =
            HeaderValue::try_from(&*value).expect("the endpoint writes visible ASCII into header values");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}
