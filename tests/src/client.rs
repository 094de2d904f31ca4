//! An HTTP/1.1 client on raw bytes, so that no library changes what is sent or received.

use std::net::SocketAddr;

use memory_debug_core::MemoryReport;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::login::authorization;
use crate::time_limit::within_limit;

/// The bytes of a request, well-formed or not.
#[derive(Clone, Debug)]
pub struct Request {
    head: Vec<u8>,
    /// The empty line that ends the head.
    end: &'static [u8],
    body: Vec<u8>,
    is_head: bool,
}

/// Method, target, and header fields with their values.
pub type RequestParts<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>);

/// A response, with every byte as received.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case with their values, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body, without chunk framing.
    pub body: Vec<u8>,
    wire: Vec<u8>,
}

/// A connection to the server.
pub struct Connection(BufReader<Box<dyn Stream>>);

/// The stream below the connection.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

impl Request {
    /// A request line `method target HTTP/1.1` and a `Host`. Neither is checked: that is the server's task.
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        let mut head = [method.as_bytes(), b" ", target.as_ref(), b" HTTP/1.1\r\n"].concat();
        head.extend_from_slice(b"host: localhost\r\n");
        Self { head, end: b"\r\n", body: Vec::new(), is_head: method == "HEAD" }
    }

    /// Exactly these bytes, whether or not they are a valid request.
    pub fn verbatim(bytes: impl AsRef<[u8]>) -> Self {
        let head = bytes.as_ref().to_vec();
        Self { is_head: head.starts_with(b"HEAD "), head, end: b"", body: Vec::new() }
    }

    /// A `GET` request.
    pub fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    /// Adds a header field. The value can be any bytes.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), b": ", value.as_ref(), b"\r\n"] {
            self.head.extend_from_slice(part);
        }
        self
    }

    /// Adds the `Authorization` header with the right login.
    pub fn authorized(self) -> Self {
        self.header("authorization", authorization())
    }

    /// Adds a body and its length.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        self = self.header("content-length", body.len().to_string());
        self.body = body.to_vec();
        self
    }

    /// Method, target and header fields, for another protocol. `None` if the request has a body, was given
    /// verbatim or is not ASCII.
    pub fn parts(&self) -> Option<RequestParts<'_>> {
        let head = std::str::from_utf8(&self.head).ok().filter(|head| head.is_ascii())?;
        if self.end.is_empty() || !self.body.is_empty() {
            return None;
        }
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let (method, rest) = lines.next()?.split_once(' ')?;
        let fields = lines.filter_map(|line| line.split_once(": ")).collect();
        Some((method, rest.strip_suffix(" HTTP/1.1")?, fields))
    }

    /// Whether it is a `HEAD` request, whose answer has no body.
    pub fn is_head(&self) -> bool {
        self.is_head
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.head[..], self.end, &self.body].concat()
    }
}

/// Shows the request as sent, for messages of failed assertions.
impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bytes().escape_ascii().fmt(f)
    }
}

impl Response {
    /// The value of the header field `name`. Several values are joined by commas.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The body as a report.
    pub fn report(&self) -> MemoryReport {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// All received bytes except the `Date` line.
    pub fn without_date(&self) -> Vec<u8> {
        let lines = self.wire.split_inclusive(|&byte| byte == b'\n');
        lines.filter(|line| !line.to_ascii_lowercase().starts_with(b"date: ")).flatten().copied().collect()
    }
}

/// Shows the response as received, for messages of failed assertions.
impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.wire))
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects to a server.
    pub async fn open(address: SocketAddr) -> Self {
        Self::over(within_limit(TcpStream::connect(address)).await.unwrap())
    }

    /// Uses a stream that is already connected.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

    /// Sends a request and reads its response.
    pub async fn exchange(&mut self, request: Request) -> Response {
        self.exchange_if_answered(request).await.expect("the server hung up instead of answering")
    }

    /// Sends a request and reads its response. `None` if the server hangs up instead of answering.
    pub async fn exchange_if_answered(&mut self, request: Request) -> Option<Response> {
        self.send(request.bytes()).await;
        self.receive_answer(request.is_head).await
    }

    /// Sends several requests at once, then reads their responses.
    pub async fn pipeline(&mut self, requests: impl IntoIterator<Item = Request>) -> Vec<Response> {
        let requests: Vec<_> = requests.into_iter().collect();
        self.send(requests.iter().flat_map(Request::bytes).collect::<Vec<_>>()).await;
        let mut responses = Vec::new();
        for request in requests {
            responses.extend(self.receive_answer(request.is_head).await);
        }
        responses
    }

    /// Whether the server closes the connection now, without sending anything more.
    pub async fn ends(&mut self) -> bool {
        // Reset or closed: both end the connection.
        within_limit(self.0.read_u8()).await.is_err()
    }

    /// Sends the head of `request` with the empty line that ends it, but no body.
    pub async fn send_head(&mut self, request: Request) {
        self.send([&request.head, request.end].concat()).await;
    }

    /// Sends any bytes. Ignores errors, because a server that has already answered may close the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = within_limit(self.0.write_all(bytes.as_ref())).await;
    }

    /// Reads a response to a request other than `HEAD`.
    pub async fn receive(&mut self) -> Response {
        self.receive_answer(false).await.expect("the server hung up instead of answering")
    }

    /// Reads up to and including `end`.
    pub async fn receive_until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        while !read.ends_with(end) {
            read.push(within_limit(self.0.read_u8()).await.unwrap());
        }
        read
    }

    async fn receive_answer(&mut self, is_head: bool) -> Option<Response> {
        within_limit(self.read_response(is_head)).await
    }

    async fn read_response(&mut self, is_head: bool) -> Option<Response> {
        let mut wire = Vec::new();
        while !wire.ends_with(b"\r\n\r\n") {
            let read = self.0.read_until(b'\n', &mut wire).await.unwrap_or(0);
            if wire.is_empty() {
                return None;
            }
            assert!(
                read > 0,
                "the connection ended before the end of a head: {:?}",
                String::from_utf8_lossy(&wire)
            );
        }
        let head = String::from_utf8(wire.clone()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut response = Response { status, headers, body: Vec::new(), wire };
        if !is_head && !matches!(status, 100..200 | 204 | 304) {
            self.read_body(&mut response).await;
        }
        Some(response)
    }

    async fn read_body(&mut self, response: &mut Response) {
        if response.header("transfer-encoding").as_deref() == Some("chunked") {
            loop {
                let mut line = Vec::new();
                self.0.read_until(b'\n', &mut line).await.unwrap();
                let length = std::str::from_utf8(&line).unwrap().trim();
                let length = usize::from_str_radix(length, 16).unwrap();
                let chunk = self.read(length + 2).await;
                response.body.extend_from_slice(&chunk[..length]);
                response.wire.extend(line.into_iter().chain(chunk));
                if length == 0 {
                    return;
                }
            }
        }
        response.body = match response.header("content-length") {
            Some(length) => self.read(length.parse().unwrap()).await,
            None => {
                let mut rest = Vec::new();
                self.0.read_to_end(&mut rest).await.unwrap();
                rest
            }
        };
        response.wire.extend_from_slice(&response.body);
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await.unwrap();
        bytes
    }
}
