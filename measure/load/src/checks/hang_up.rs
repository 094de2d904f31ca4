//! Clients that close their connection before the answer arrives.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::{Verdict, ask};
use crate::Result;
use crate::process_state::ProcessState;
use crate::request::{HOME, Login, TYPES, get};
use crate::service::Service;

const ROUNDS: usize = 20;
const CLIENTS: usize = 100;

/// After each round the service has the same threads and files as before, has no temporary file, and answers the next
/// request.
pub fn hang_up(service: &Service, login: &Login) -> Result<Verdict> {
    let trace = service.trace.as_ref().ok_or("needs a trace")?;
    let types = login.get(TYPES);
    ask(service, &types)?;
    let before = trace.at_rest()?;
    let state = ProcessState::read(service)?;

    let (mut in_time, mut slowest) = (0, Duration::ZERO);
    for round in 1..=ROUNDS {
        // A little later each time, to interrupt collections at different points.
        in_time += hang_up_after(Duration::from_micros(20) * (round as u32 - 1), service, &types)?;
        // A request that is answered now came after the others, so the service has accepted all of them. Without it,
        // the service might be unchanged only because it has not noticed them yet.
        let begin = Instant::now();
        ask(service, &get(HOME, None))?;
        state.wait_for(service).map_err(|difference| format!("in round {round}: {difference}"))?;
        slowest = slowest.max(begin.elapsed());
        let status = ask(service, &types)?;
        if status != 200 {
            return Err(format!("in round {round} the next request is answered {status}").into());
        }
        state.wait_for(service).map_err(|difference| format!("after round {round}: {difference}"))?;
    }

    let seen = trace.at_rest()?.since(before);
    let for_those_gone = seen.profiles.saturating_sub(ROUNDS);
    let figures = format!(
        "{ROUNDS} times {CLIENTS} clients, {in_time} gone before a byte of their answer, half of all with RST; after \
         each round the same {} threads and {} files within {slowest:.1?}, {} temporary files, next request 200; {} \
         collections, {for_those_gone} of them for clients that had gone, at most {} at once",
        state.threads.len(),
        state.files.len(),
        state.temporary_files.len(),
        seen.profiles,
        seen.profiles_at_once,
    );
    // Each round collects for the client that stays, and nearly each for the clients that leave. hyper does not start
    // a request whose client is gone when it is read, and on a busy machine that may be all of them.
    let is_kept = in_time >= ROUNDS * CLIENTS / 2
        && state.temporary_files.is_empty()
        && for_those_gone >= ROUNDS / 2
        && seen.profiles_at_once == 1;
    Ok(Verdict { is_kept, figures })
}

/// Returns how many clients had received no byte of their answer.
fn hang_up_after(pause: Duration, service: &Service, types: &[u8]) -> Result<usize> {
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = TcpStream::connect(service.address)?;
        if number % 2 == 0 {
            // Closing sends RST instead of FIN.
            SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
        }
        clients.push(client);
    }
    for client in &mut clients {
        client.write_all(types)?;
    }
    thread::sleep(pause);
    let mut in_time = 0;
    for client in clients {
        client.set_nonblocking(true)?;
        match client.peek(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => in_time += 1,
            Ok(1) => {}
            closed => return Err(format!("the service hung up first: {closed:?}").into()),
        }
    }
    Ok(in_time)
}
