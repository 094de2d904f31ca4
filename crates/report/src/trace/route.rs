//! The requests of one route.

use serde::{Deserialize, Serialize};

/// What the requests of one route cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct RouteTrace {
    /// Its method and matched pattern: `GET /items/{id}`. Never a path as sent.
    pub route: String,
    /// Requests that began.
    pub requests: u64,
    /// Requests that were dropped before the response was ready.
    pub cancelled: u64,
    /// Requests that are open now.
    pub in_flight: u64,
    /// Wall time of all requests.
    pub total_ns: u64,
    /// Time inside polls of all requests.
    pub busy_ns: u64,
    /// The longest poll.
    pub longest_poll_ns: u64,
    /// Bytes that finished requests allocated. `None` without jemalloc, or before the first request has finished.
    pub allocated: Option<BytesPerRequest>,
    /// Live bytes that requests of this route allocated, an estimate from samples. `None` without live samples.
    pub live: Option<u64>,
    /// One standard error of `live`, in bytes. `None` without live samples of this route.
    pub live_stderr: Option<f64>,
}

/// Bytes per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct BytesPerRequest {
    /// All requests together.
    pub total: u64,
    /// The mean.
    pub mean: u64,
    /// Half of the requests allocated at most this, with an error of at most one eighth.
    pub p50: u64,
    /// 99 of 100 requests allocated at most this, with an error of at most one eighth.
    pub p99: u64,
    /// The most of one request.
    pub max: u64,
}
