//! From actix-web's terms to the endpoint's, and back.

use actix_web::body::{self, BoxBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use memory_debug_endpoint::{Connection, Endpoint, Outcome, Reply, RequestParts};

/// Hands a request to the endpoint, which looks for its pages at `path`.
pub(crate) fn handle(endpoint: &Endpoint, request: &ServiceRequest, path: &str) -> Outcome {
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

/// The answer to `request`.
pub(crate) fn response(request: &HttpRequest, reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).expect("the endpoint uses registered status codes");
    // An answer to HEAD has no length either: it would have to be that of the answer to GET.
    let body = match *request.method() {
        Method::HEAD => BoxBody::new(body::None::new()),
        _ => BoxBody::new(reply.body),
    };
    let mut response = HttpResponse::with_body(status, body);
    for (name, value) in reply.headers {
        let value =
            HeaderValue::try_from(&*value).expect("the endpoint writes visible ASCII into header values");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}
