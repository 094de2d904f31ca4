//! Connections to a service: HTTP/1.1 with keep-alive and without pipelining, all on one thread.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;

/// Connections, numbered from 0.
pub struct Client {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// The time when the unanswered request was due.
    due: Option<Instant>,
}

/// A complete answer.
pub struct Answer<'a> {
    pub connection: usize,
    pub status: u16,
    pub body: &'a [u8],
    /// The time since the request was due, which may be before it could be sent.
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

    /// Sends a request that was due at `due` over a connection without an unanswered request.
    pub fn send(&mut self, connection: usize, request: &[u8], due: Instant) -> Result<()> {
        let connection = &mut self.connections[connection];
        if connection.due.replace(due).is_some() {
            return Err("a second request on a connection with an unanswered request".into());
        }
        // The request is shorter than any send buffer, so the kernel takes all of it or nothing.
        match connection.stream.write(request)? {
            written if written == request.len() => Ok(()),
            _ => Err("a request did not fit into the send buffer".into()),
        }
    }

    /// Waits for answers, and passes on the answers that have arrived.
    ///
    /// # Errors
    ///
    /// If the service closes a connection, or sends something other than an answer.
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
                let due = connection.due.take().ok_or("an answer without a request")?;
                let (body, latency) = (&received[body], due.elapsed());
                answered(Answer { connection: number, status, body, latency });
                connection.received.clear();
            }
            if !is_open {
                let waited = connection.due.map(|due| due.elapsed());
                return Err(format!(
                    "the service closed a connection whose request had waited for {waited:?}"
                )
                .into());
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
    /// Reads the bytes that have arrived. Returns false at the end of the connection.
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

/// The status of an answer and the range of its body, once the head has arrived. All answers have a length.
fn head(received: &[u8]) -> Result<Option<(u16, std::ops::Range<usize>)>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(start) = response.parse(received)? else { return Ok(None) };
    let status = response.code.ok_or("an answer without a status")?;
    let length = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length = length.ok_or("an answer without a content-length")?;
    let length: usize = std::str::from_utf8(length.value)?.parse()?;
    Ok(Some((status, start..start + length)))
}
