//! The routes of the shop.

use actix_web::http::header;
use actix_web::web::{self, Data, Json, JsonConfig, Path, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use shop::{AppState, NewJob, NewSession, Opening};

/// The text at the root path.
const INDEX: &str = "\
POST /sessions, GET /sessions, GET and DELETE /sessions/{id}
GET /reports/{day}
POST /jobs, GET /jobs/{id}
";

/// Registers all routes, for [`configure`](actix_web::App::configure).
pub fn routes(state: &AppState) -> impl FnOnce(&mut ServiceConfig) {
    let state = Data::new(state.clone());
    move |config| {
        config
            .app_data(state)
            .app_data(JsonConfig::default().limit(AppState::MAX_BODY))
            .route("/", web::get().to(async || INDEX))
            .route("/sessions", web::post().to(open_session))
            .route("/sessions", web::get().to(list_sessions))
            .route("/sessions/{id}", web::get().to(find_session))
            .route("/sessions/{id}", web::delete().to(end_session))
            .route("/reports/{day}", web::get().to(report))
            .route("/jobs", web::post().to(submit_job))
            .route("/jobs/{id}", web::get().to(job));
    }
}

async fn open_session(shop: Data<AppState>, Json(new): Json<NewSession>) -> HttpResponse {
    match shop.sessions.open(new) {
        Some(id) => HttpResponse::Created()
            .insert_header((header::LOCATION, format!("/sessions/{id}")))
            .json(Opening { id }),
        None => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn list_sessions(shop: Data<AppState>) -> impl Responder {
    Json(shop.sessions.list())
}

async fn find_session(shop: Data<AppState>, id: Path<String>) -> impl Responder {
    found(shop.sessions.find(&id))
}

async fn end_session(shop: Data<AppState>, id: Path<String>) -> HttpResponse {
    if shop.sessions.end(&id) { HttpResponse::NoContent() } else { HttpResponse::NotFound() }.finish()
}

/// Plain text. `x-cache` says whether the report was cached.
async fn report(shop: Data<AppState>, day: Path<u32>) -> HttpResponse {
    match shop.reports.of_day(*day) {
        Some((report, lookup)) => HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .insert_header(("x-cache", lookup.as_str()))
            .body(report),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn submit_job(shop: Data<AppState>, Json(NewJob { text }): Json<NewJob>) -> HttpResponse {
    match shop.jobs.submit(text) {
        Some(status) => HttpResponse::Accepted()
            .insert_header((header::LOCATION, format!("/jobs/{}", status.id)))
            .json(status),
        None => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn job(shop: Data<AppState>, id: Path<u64>) -> impl Responder {
    found(shop.jobs.status(*id))
}

/// Replies with the value as JSON, or with 404.
fn found<T: serde::Serialize>(value: Option<T>) -> HttpResponse {
    value.map_or_else(|| HttpResponse::NotFound().finish(), |value| HttpResponse::Ok().json(value))
}

#[cfg(test)]
mod tests;
