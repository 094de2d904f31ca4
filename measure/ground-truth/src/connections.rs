//! Connections of servers with slow clients: the bytes that servers read and write stay in their buffers.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use actix_service::{Service as _, ServiceFactory as _};
use bytes::{Buf, BufMut, Bytes};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::io::ReadBuf;
use tonic::codec::{DecodeBuf, Decoder, EncodeBody, EncodeBuf, Encoder, SingleMessageCompressionOverride};
use tonic::{Status, Streaming};

use crate::ledger::{keep, own};

const CONNECTIONS: usize = 40;

pub(crate) fn populate() {
    for _ in 0..CONNECTIONS {
        of_hyper(SlowClient::silent_after(PART_OF_A_HEAD));
        of_hyper(SlowClient::that_never_reads(HEAD));
    }
    of_actix();
    (0..CONNECTIONS).for_each(|_| of_tonic());
}

/// A client that reads the response, or does not.
struct SlowClient {
    head: &'static [u8],
    left: usize,
    reads: bool,
}

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const PART_OF_A_HEAD: &[u8] = b"GET / HTTP/1.1\r\nx: ";

impl SlowClient {
    /// Sends a long head without an end.
    fn silent_after(head: &'static [u8]) -> Self {
        Self { head, left: 4_000, reads: true }
    }

    /// Sends a request, but does not read the response.
    fn that_never_reads(head: &'static [u8]) -> Self {
        Self { head, left: head.len(), reads: false }
    }

    /// The next bytes, or `None` if there are no bytes yet.
    fn send(&mut self, room: usize, mut put: impl FnMut(u8)) -> Poll<io::Result<()>> {
        let sent = room.min(self.left);
        if sent == 0 {
            return Poll::Pending;
        }
        for at in 0..sent {
            put(self.head.get(at).copied().unwrap_or(b'y'));
        }
        self.head = self.head.get(sent..).unwrap_or_default();
        self.left -= sent;
        Poll::Ready(Ok(()))
    }

    fn take(&self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.reads { Poll::Ready(Ok(bytes.len())) } else { Poll::Pending }
    }
}

impl hyper::rt::Read for SlowClient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.send(buffer.remaining(), |byte| buffer.put_slice(&[byte]))
    }
}

impl hyper::rt::Write for SlowClient {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncRead for SlowClient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.send(buffer.remaining(), |byte| buffer.put_slice(&[byte]))
    }
}

impl tokio::io::AsyncWrite for SlowClient {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The answer of every server here.
const ANSWER: &[u8] = &[b'a'; 3_000];

fn of_hyper(client: SlowClient) {
    own("connections of hyper", || {
        let mut connection = Box::pin(http1::Builder::new().serve_connection(client, service_fn(answer)));
        own("BytesMut", || {
            let _ = connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        });
        keep(connection);
    });
}

async fn answer(_: Request<Incoming>) -> Result<Response<http_body_util::Full<Bytes>>, Infallible> {
    Ok(Response::new(Bytes::from_static(ANSWER).into()))
}

fn of_actix() {
    let runtime = actix_rt::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let service = actix_http::HttpService::build().finish(|_: actix_http::Request| async {
            Ok::<_, Infallible>(actix_http::Response::ok().set_body(Bytes::from_static(ANSWER)))
        });
        let service = service.new_service(()).await.expect("a service");
        for _ in 0..CONNECTIONS {
            for client in [SlowClient::silent_after(PART_OF_A_HEAD), SlowClient::that_never_reads(HEAD)] {
                own("connections of actix", || {
                    let connection = (client, actix_http::Protocol::Http1, None);
                    let mut connection = Box::pin(own("BytesMut", || service.call(connection)));
                    own("BytesMut", || {
                        let _ = connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    });
                    keep(connection);
                });
            }
        }
    });
    keep(runtime);
}

/// A codec whose messages are plain bytes.
struct Plain;

impl Encoder for Plain {
    type Item = &'static [u8];
    type Error = Status;

    fn encode(&mut self, item: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = usize;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<usize>, Status> {
        let length = buffer.remaining();
        buffer.advance(length);
        Ok(Some(length))
    }
}

/// The beginning of a message, whose head announces 9,000 bytes.
const BEGINNING: &[u8] = &{
    let mut beginning = [b'a'; 3_000];
    [beginning[0], beginning[1], beginning[2], beginning[3], beginning[4]] = [0, 0, 0, 0x23, 0x28];
    beginning
};

fn of_tonic() {
    let mut context = Context::from_waker(Waker::noop());
    let messages = tokio_stream::iter([Ok::<_, Status>(ANSWER)]);
    let compression = SingleMessageCompressionOverride::default();
    own("streams of tonic", || {
        let body = own("BytesMut", || EncodeBody::new_server(Plain, messages, None, compression, None));
        let mut sent = Box::pin(body);
        own("BytesMut", || {
            let _ = std::hint::black_box(sent.as_mut().poll_frame(&mut context)).map(keep);
        });
        keep(sent);
        let body = http_body_util::Full::new(Bytes::from_static(BEGINNING));
        let mut received = Box::new(own("BytesMut", || Streaming::new_request(Plain, body, None, None)));
        own("BytesMut", || {
            let _ = tokio_stream::Stream::poll_next(Pin::new(&mut *received), &mut context).map(keep);
        });
        keep(received);
    });
}
