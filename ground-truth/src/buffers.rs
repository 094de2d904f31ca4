//! Buffers that libraries make for themselves.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use arrow_buffer::{Buffer, MutableBuffer};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

use crate::ledger::{keep, own};

pub(crate) fn populate() {
    own("arrow buffers", || {
        for n in 1..100 {
            let mut buffer = MutableBuffer::new(100);
            buffer.extend_from_slice(&[n; 300]);
            keep(buffer);
            keep(Buffer::from_slice_ref([n; 200]));
        }
    });
    (0..20).for_each(|_| serve());
}

/// A connection that waits for the rest of a request.
fn serve() {
    own("connections of hyper", || {
        let client = SlowClient { left: HEAD };
        let mut connection = Box::pin(http1::Builder::new().serve_connection(client, service_fn(answer)));
        own("BytesMut", || {
            let _ = connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        });
        keep(connection);
    });
}

async fn answer(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::new()))
}

/// Bytes of the head that arrive before the client falls silent.
const HEAD: usize = 4_000;

const BEGINNING: &[u8] = b"GET / HTTP/1.1\r\nx: ";

/// Sends the beginning of a long head, and no end.
struct SlowClient {
    left: usize,
}

impl Read for SlowClient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let sent = buffer.remaining().min(self.left);
        if sent == 0 {
            return Poll::Pending;
        }
        for at in HEAD - self.left..HEAD - self.left + sent {
            buffer.put_slice(&[BEGINNING.get(at).copied().unwrap_or(b'y')]);
        }
        self.left -= sent;
        Poll::Ready(Ok(()))
    }
}

impl Write for SlowClient {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
