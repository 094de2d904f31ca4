//! The response to a request of the browser: a page of the instance, or a page that says why it is missing.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use hyper::header::{LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use memory_debug_report::MissingReason;
use memory_debug_web::Site;

use super::gate::{Gate, METHODS, Wanted};
use crate::client::{Client, Forwardable, Forwarded};
use crate::failure::Failure;
use crate::login::Login;
use crate::target::Target;

/// The longest body of a request, the same limit as in the service.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// Answers the requests of the browser.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) gate: Gate,
    pub(crate) client: Client,
    pub(crate) target: Target,
    pub(crate) login: Login,
}

impl Relay {
    /// Answers one request. It waits for the instance on another thread.
    pub(super) async fn answer<B>(self: Arc<Self>, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = request.into_parts();
        let wanted = match self.gate.pass(&head) {
            Ok(wanted) => wanted,
            Err(status) => return refused(status),
        };
        if let Some(file) = asset(&head, &wanted.rest) {
            return file;
        }
        let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes().into(),
            Err(error) if error.is::<LengthLimitError>() => return refused(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => return refused(StatusCode::BAD_REQUEST),
        };
        let Parts { method, headers, .. } = head;
        let Wanted { rest, query } = wanted;
        let is_for_people = accepts_html(&headers);
        let forwarded = Forwarded { method, rest: rest.clone(), query, headers, body };
        let relay = Arc::clone(&self);
        let asked = move || relay.client.forward(&relay.target, &relay.login, forwarded);
        match tokio::task::spawn_blocking(asked).await {
            Ok(Ok(answer)) => self.page(answer),
            Ok(Err(failure)) => self.problem(&rest, is_for_people, &failure),
            Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn page(&self, answer: Forwardable) -> Response<Full<Bytes>> {
        let Forwardable { status, headers, location, body } = answer;
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        if let Some(path) = location
            && let Ok(path) = HeaderValue::try_from(self.gate.path(&path))
        {
            response.headers_mut().insert(LOCATION, path);
        }
        response
    }

    /// Says why there is no page. The status is never 401, because the browser cannot log in here.
    fn problem(&self, rest: &str, is_for_people: bool, failure: &Failure) -> Response<Full<Bytes>> {
        let status = match failure.reason {
            MissingReason::Deadline => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        let title = status.canonical_reason().unwrap_or_default();
        let detail = memory_debug_report::units::printable(&failure.to_string());
        let (content_type, body) = if is_for_people {
            let site = Site::new(&self.gate.base, rest, self.login.user(), "through memory-debug ui");
            let page = memory_debug_web::problem(&site, status.as_u16(), title, &detail, None, false);
            ("text/html; charset=utf-8", page)
        } else {
            ("text/plain; charset=utf-8", format!("{} {title}: {detail}\n", status.as_u16()))
        };
        let mut response = refused(status);
        *response.body_mut() = Full::from(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let policy = HeaderValue::from_static(memory_debug_web::content_security_policy());
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response
    }
}

/// A file that pages load, if this command has the same one. Then a page about a problem has its style sheet also
/// without the service.
fn asset(head: &Parts, rest: &str) -> Option<Response<Full<Bytes>>> {
    let name = rest.strip_prefix("/assets/").filter(|_| head.method == Method::GET)?;
    let asset = memory_debug_web::asset(name)?;
    let mut response = refused(StatusCode::OK);
    *response.body_mut() = Full::from(asset.bytes.as_slice());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    Some(response)
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accept.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

/// A response without a body.
fn refused(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let methods = METHODS.map(|method| method.to_string()).join(", ");
        headers.extend(HeaderValue::try_from(methods).ok().map(|methods| (ALLOW, methods)));
    }
    response
}
