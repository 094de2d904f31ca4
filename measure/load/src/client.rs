//! Connections to a service: HTTP/1.1 with keep-alive and without pipelining, all on one thread.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;

/// Connections that are told apart by their numbers, from 0.
pub struct Client {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// When the request that is not answered yet was due.
    due: Option<Instant>,
}

/// An answer in full.
pub struct Answer<'a> {
    pub connection: usize,
    pub status: u16,
    pub body: &'a [u8],
    /// From when the request was due, which may be before it could be sent.
    pub latency: Duration,
}

impl Client {
    /// Opens `count` connections.
    pub fn open(address: SocketAddr, count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(count);
        for number in 0..count {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
            connections.push(Connection { stream, received: Vec::new(), due: None });
        }
        Ok(Self { poll, events: Events::with_capacity(1024), connections })
    }

    /// Sends a request that was due at `due` over a connection that has none to answer.
    pub fn send(&mut self, connection: usize, request: &[u8], due: Instant) -> Result<()> {
        let connection = &mut self.connections[connection];
        if connection.due.replace(due).is_some() {
            return Err("a second request on a connection that still has to answer one".into());
        }
        // Shorter than any send buffer, so it is written whole or not at all.
        match connection.stream.write(request)? {
            written if written == request.len() => Ok(()),
            _ => Err("a request did not fit into the send buffer".into()),
        }
    }

    /// Waits for answers, and hands over those that are there.
    ///
    /// # Errors
    ///
    /// If the service closes a connection, or sends what is no answer.
    pub fn poll(&mut self, wait: Duration, mut answered: impl FnMut(Answer<'_>)) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &self.events {
            let number = event.token().0;
            let connection = &mut self.connections[number];
            let is_open = connection.receive()?;
            if let Some((status, body)) = head(&connection.received)?
                && let Some(received) = connection.received.get(..body.end)
            {
                let due = connection.due.take().ok_or("an answer that nobody asked for")?;
                let (body, latency) = (&received[body], due.elapsed());
                answered(Answer { connection: number, status, body, latency });
                connection.received.clear();
            }
            if !is_open {
                let waited = connection.due.map(|due| due.elapsed());
                return Err(
                    format!("the service closed a connection, a request waiting for {waited:?}").into()
                );
            }
        }
        Ok(())
    }

    /// Sends `request` over all connections at once, and waits for the answers. Some may be missing after `limit`.
    pub fn send_to_all(
        &mut self,
        request: &[u8],
        limit: Duration,
        mut answered: impl FnMut(Answer<'_>),
    ) -> Result<()> {
        let begin = Instant::now();
        for connection in 0..self.connections.len() {
            self.send(connection, request, begin)?;
        }
        let mut missing = self.connections.len();
        while missing > 0 && begin.elapsed() < limit {
            self.poll(Duration::from_millis(10), |answer| {
                missing -= 1;
                answered(answer);
            })?;
        }
        Ok(())
    }
}

impl Connection {
    /// Takes what has arrived. False if nothing will come any more.
    fn receive(&mut self) -> io::Result<bool> {
        let mut piece = [0; 16 << 10];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(false),
                Ok(length) => self.received.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The status of an answer and where its body is, once the head is there. All answers tell their length.
fn head(received: &[u8]) -> Result<Option<(u16, std::ops::Range<usize>)>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(start) = response.parse(received)? else { return Ok(None) };
    let status = response.code.ok_or("an answer without a status")?;
    let length = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length = length.ok_or("an answer that does not tell its length")?;
    let length: usize = std::str::from_utf8(length.value)?.parse()?;
    Ok(Some((status, start..start + length)))
}
