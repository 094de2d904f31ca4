//! Clients that never read their answer.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::{LIMIT, Verdict};
use crate::Result;
use crate::client::Client;
use crate::process_state::{ProcessState, resident, unread_connections};
use crate::request::{HOME, Login, STATS, TYPES, get};
use crate::service::Service;

const CLIENTS: usize = 1000;
/// As small as the kernel allows, so that the answer stays in the service.
const RECEIVE_BUFFER: usize = 1;

/// Other clients are answered meanwhile. When the clients are gone, the service closes their files.
pub fn unread(service: &Service, login: &Login) -> Result<Verdict> {
    let state = ProcessState::read(service)?;
    let resident_before = resident(service)?;
    let types = login.get(TYPES);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client = Socket::new(Domain::for_address(service.address), Type::STREAM, None)?;
        client.set_recv_buffer_size(RECEIVE_BUFFER)?;
        client.connect(&service.address.into())?;
        let mut client = TcpStream::from(client);
        client.write_all(&types)?;
        clients.push(client);
    }
    let begin = Instant::now();
    while unread_connections(service)? < CLIENTS && begin.elapsed() < LIMIT {
        thread::sleep(Duration::from_millis(10));
    }
    let unread = unread_connections(service)?;

    let mut others = Vec::new();
    for request in [get(HOME, None), login.get(STATS), types] {
        let (mut answered, mut slowest) = (0, Duration::ZERO);
        Client::open(service.address, 100)?.send_to_all(&request, LIMIT, |answer| {
            answered += u32::from(answer.status == 200);
            slowest = slowest.max(answer.latency);
        })?;
        others.push((answered, slowest));
    }
    let resident_meanwhile = resident(service)?;
    let files_meanwhile = ProcessState::read(service)?.files.len();
    // In the meantime no answer was read, and the service gave up none of them.
    let still_unread = unread_connections(service)?;

    drop(clients);
    let recovery = state.wait_for(service)?;
    let figures = format!(
        "{unread} of {CLIENTS} answers are unread, {still_unread} after 100 requests each for {HOME}, statistics and \
         types, answered 200: {others:.1?}; {files_meanwhile} files, again {} within {recovery:.1?} \
         after the clients are gone; resident {} MiB before, {} meanwhile",
        state.files.len(),
        resident_before >> 20,
        resident_meanwhile >> 20,
    );
    let is_kept = unread == CLIENTS
        && still_unread == CLIENTS
        && files_meanwhile > CLIENTS
        && others.iter().all(|(answered, _)| *answered == 100);
    Ok(Verdict { is_kept, figures })
}
