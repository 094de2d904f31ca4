//! The routes of the shop.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_core::Stream;
use shop::{AppState, Listing, Message, Messages, NewJob, NewSession, Opening, Session, Status};

/// The text at the root path.
const INDEX: &str = "\
POST /sessions, GET /sessions, GET and DELETE /sessions/{id}
GET /reports/{day}
POST /jobs, GET /jobs/{id}
GET /feed
";

/// All routes of the shop.
pub(crate) fn routes(state: AppState) -> Router {
    Router::new()
        .route("/", get(INDEX))
        .route("/sessions", post(open_session).get(list_sessions))
        .route("/sessions/{id}", get(find_session).delete(end_session))
        .route("/reports/{day}", get(report))
        .route("/jobs", post(submit_job))
        .route("/jobs/{id}", get(job))
        .route("/feed", get(feed))
        .with_state(state)
}

async fn open_session(
    State(shop): State<AppState>,
    Json(new): Json<NewSession>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Opening>), StatusCode> {
    let id = shop.sessions.open(new).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/sessions/{id}"))], Json(Opening { id })))
}

async fn list_sessions(State(shop): State<AppState>) -> Json<Listing> {
    Json(shop.sessions.list())
}

async fn find_session(
    State(shop): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Session>, StatusCode> {
    shop.sessions.find(&id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn end_session(State(shop): State<AppState>, Path(id): Path<String>) -> StatusCode {
    if shop.sessions.end(&id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// Plain text. `x-cache` says whether the report was cached.
async fn report(
    State(shop): State<AppState>,
    Path(day): Path<u32>,
) -> Result<([(HeaderName, &'static str); 2], Bytes), StatusCode> {
    let (report, lookup) = shop.reports.of_day(day).ok_or(StatusCode::NOT_FOUND)?;
    let x_cache = (HeaderName::from_static("x-cache"), lookup.as_str());
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), x_cache], report))
}

async fn submit_job(
    State(shop): State<AppState>,
    Json(NewJob { text }): Json<NewJob>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Status>), StatusCode> {
    let status = shop.jobs.submit(text).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/jobs/{}", status.id))], Json(status)))
}

async fn job(State(shop): State<AppState>, Path(id): Path<u64>) -> Result<Json<Status>, StatusCode> {
    shop.jobs.status(id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// Server-sent events. `Last-Event-ID` resumes the stream, which browsers send by themselves.
async fn feed(State(shop): State<AppState>, headers: HeaderMap) -> Sse<KeepAliveStream<Events>> {
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    Sse::new(Events(shop.feed.subscribe(last_seen))).keep_alive(KeepAlive::default())
}

/// Converts messages to the events that [`Sse`] expects.
struct Events(Messages);

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let to_event =
            |Message { id, topic, text }| Event::default().id(id.to_string()).event(topic).data(text);
        Pin::new(&mut self.0).poll_next(context).map(|message| message.map(|message| Ok(to_event(message))))
    }
}
