//! Bodies that the page reads, frame by frame.

use std::collections::VecDeque;

use http::HeaderMap;
use tower::service_fn;

use super::*;

/// A body in parts that are not contiguous, with trailers, that may break off.
struct Frames(VecDeque<Result<Frame<VecDeque<u8>>, &'static str>>);

impl http_body::Body for Frames {
    type Data = VecDeque<u8>;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<VecDeque<u8>>, &'static str>>> {
        Poll::Ready(self.0.pop_front())
    }
}

#[tokio::test]
async fn s26_a_body_arrives_whole_whatever_its_frames_and_one_that_breaks_off_does_not() {
    let data = |text: &str| {
        // Ends before it begins, in the ring that it lies in.
        let mut data = VecDeque::new();
        let (begin, end) = text.as_bytes().split_at(text.len() / 2);
        data.extend(end);
        begin.iter().rev().for_each(|&byte| data.push_front(byte));
        Ok(Frame::data(data))
    };
    let trailers = || Ok(Frame::trailers(HeaderMap::new()));
    for (frames, expected) in [
        // Understood: but there is no profiler to change in this process.
        (vec![data("{\"active\""), data(""), trailers(), data(":false}"), trailers()], "501 not built in"),
        (vec![data("{\"active\":false}"), Err("reset")], "400 invalid body: the body ended too early"),
        (vec![trailers()], "400 invalid body: the body is empty"),
        (vec![data(&" ".repeat(9000)), data(&" ".repeat(9000))], "413 body too large"),
    ] {
        let service = Fixture::new().layer.layer(service_fn(|_: Request<Frames>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
        let mut request = request("PUT", "/debug/memory/profiling", Some(RIGHT), Frames(frames.into()));
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        let answer = body_of(service.oneshot(request).await.unwrap()).await;
        assert!(answer.starts_with(expected), "{answer}");
    }
}
