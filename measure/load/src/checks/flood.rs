//! Ten thousand unauthenticated requests a second.

use std::time::Duration;

use super::{Verdict, ask};
use crate::Result;
use crate::open_loop::{Stream, run};
use crate::request::{Login, PAGE, unauthorized};
use crate::service::Service;

pub const RATE: u32 = 10_000;
/// The number of connections that a proxy might keep open.
pub const CONNECTIONS: usize = 64;
const DURATION: Duration = Duration::from_secs(10);

/// All requests are refused at the rate at which they come, without any collection.
pub fn flood(service: &Service, login: &Login) -> Result<Verdict> {
    let trace = service.trace.as_ref().ok_or("needs a trace")?;
    let stream = Stream { requests_per_second: RATE, connections: CONNECTIONS, requests: unauthorized() };
    let [outcome] = run(service.address, [stream], DURATION)?;
    let meanwhile = trace.at_rest()?;
    // Must show up in the trace, which proves that the trace sees collections.
    let status = ask(service, &login.get(PAGE))?;
    let afterwards = trace.at_rest()?;

    let refused = outcome.statuses.get(&401).copied().unwrap_or_default();
    let [median, p99, worst] = [50.0, 99.0, 100.0].map(|percentile| outcome.percentile(percentile));
    let figures = format!(
        "{refused} of {} answered 401, {:.0} a second; latency from when due: p50 {median:.1?}, p99 {p99:.1?}, most \
         {worst:.1?}; {} collecting threads, {} profiles, {} statistics meanwhile; after one request with the \
         password ({status}): {}, {}, {}",
        outcome.due,
        outcome.answered_per_second(),
        meanwhile.collecting_threads,
        meanwhile.profiles,
        meanwhile.statistics,
        afterwards.collecting_threads,
        afterwards.profiles,
        afterwards.statistics,
    );
    let is_kept = refused == outcome.due
        && outcome.answered_per_second() >= 0.99 * f64::from(RATE)
        && (meanwhile.collecting_threads, meanwhile.profiles, meanwhile.statistics) == (0, 0, 0)
        && status == 200
        && (afterwards.collecting_threads, afterwards.profiles, afterwards.statistics) == (1, 1, 1);
    Ok(Verdict { is_kept, figures })
}
