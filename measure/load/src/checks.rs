//! The promises, each with its measurement and its verdict.

mod burst;
mod flood;
mod hang_up;
mod neighbour;
mod scan;
mod scrape;
mod unread;

use std::time::Duration;

use crate::Result;
use crate::client::Client;
use crate::service::Service;

pub use burst::burst;
pub use flood::flood;
pub use hang_up::hang_up;
pub use neighbour::neighbour;
pub use scan::scan;
pub use scrape::scrape;
pub use unread::unread;

/// The longest time for an answer that should come at once. Generous, for busy machines.
const LIMIT: Duration = Duration::from_secs(30);

/// Whether a promise was kept, with the figures.
pub struct Verdict {
    pub is_kept: bool,
    pub figures: String,
}

/// The status of one request on a new connection.
fn ask(service: &Service, request: &[u8]) -> Result<u16> {
    let mut status = None;
    Client::open(service.address, 1)?.send_to_all(request, LIMIT, |answer| status = Some(answer.status))?;
    Ok(status.ok_or("no answer")?)
}
