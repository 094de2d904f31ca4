//! The routes of the shop.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shop::{AppState, NewJob, NewSession, Opening};

/// The text at the root path.
const INDEX: &str = "\
POST /sessions, GET /sessions, GET and DELETE /sessions/{id}
GET /reports/{day}
POST /jobs, GET /jobs/{id}
";

const TEXT: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// Answers a request.
pub(crate) async fn answer<B>(shop: &AppState, request: Request<B>) -> Response<BoxBody<Bytes, Infallible>>
where
    B: Body<Error: Error + Send + Sync + 'static>,
{
    route(shop, request).await.unwrap_or_else(|status| respond(status, [], Bytes::new()))
}

/// Finds the answer to a request. An error is the status of an answer without a body.
async fn route<B>(
    shop: &AppState,
    request: Request<B>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, StatusCode>
where
    B: Body<Error: Error + Send + Sync + 'static>,
{
    let (head, body) = request.into_parts();
    let path: Vec<_> = head.uri.path().trim_start_matches('/').split('/').collect();
    match (&head.method, &path[..]) {
        (&Method::GET, [""]) => Ok(respond(StatusCode::OK, [TEXT], INDEX)),
        (&Method::POST, ["sessions"]) => {
            let new: NewSession = read(body).await?;
            let id = shop.sessions.open(new).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
            let location = (header::LOCATION, &*format!("/sessions/{id}"));
            Ok(respond(StatusCode::CREATED, [JSON, location], json(&Opening { id })?))
        }
        (&Method::GET, ["sessions"]) => Ok(respond(StatusCode::OK, [JSON], json(&shop.sessions.list())?)),
        (&Method::GET, ["sessions", id]) => {
            let session = shop.sessions.find(id).ok_or(StatusCode::NOT_FOUND)?;
            Ok(respond(StatusCode::OK, [JSON], json(&session)?))
        }
        (&Method::DELETE, ["sessions", id]) => {
            Err(if shop.sessions.end(id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
        }
        (&Method::GET, ["reports", day]) => {
            let day = day.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
            let (report, lookup) = shop.reports.of_day(day).ok_or(StatusCode::NOT_FOUND)?;
            let x_cache = (HeaderName::from_static("x-cache"), lookup.as_str());
            Ok(respond(StatusCode::OK, [TEXT, x_cache], report))
        }
        (&Method::POST, ["jobs"]) => {
            let NewJob { text } = read(body).await?;
            let status = shop.jobs.submit(text).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
            let location = (header::LOCATION, &*format!("/jobs/{}", status.id));
            Ok(respond(StatusCode::ACCEPTED, [JSON, location], json(&status)?))
        }
        (&Method::GET, ["jobs", id]) => {
            let id = id.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
            let status = shop.jobs.status(id).ok_or(StatusCode::NOT_FOUND)?;
            Ok(respond(StatusCode::OK, [JSON], json(&status)?))
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}

fn respond<const N: usize>(
    status: StatusCode,
    fields: [(HeaderName, &str); N],
    body: impl Into<Bytes>,
) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(name, value);
    }
    response.body(Full::new(body.into()).boxed()).expect("fields are made of visible characters")
}

/// Reads a body of JSON, up to the maximum size.
async fn read<T: DeserializeOwned>(
    body: impl Body<Error: Error + Send + Sync + 'static>,
) -> Result<T, StatusCode> {
    let body = Limited::new(body, AppState::MAX_BODY).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
    })?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, StatusCode> {
    serde_json::to_vec(value).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
