//! Tests of request bodies, which the page reads frame by frame, and of response bodies, which it passes on.

use std::collections::VecDeque;

use bytes::BytesMut;
use http::HeaderMap;
use http_body_util::combinators::BoxBody;
use http_body_util::{Either, Empty, Limited, StreamBody};
use tower::{ServiceBuilder, service_fn};

use super::*;

/// A body whose data is not contiguous, with trailers, that may end with an error.
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
async fn s26_body_is_read_in_any_frames_and_refused_if_it_breaks_off() {
    let data = |text: &str| {
        // The data wraps around the end of the ring buffer.
        let mut data = VecDeque::new();
        let (begin, end) = text.as_bytes().split_at(text.len() / 2);
        data.extend(end);
        begin.iter().rev().for_each(|&byte| data.push_front(byte));
        Ok(Frame::data(data))
    };
    let trailers = || Ok(Frame::trailers(HeaderMap::new()));
    for (frames, expected) in [
        // The body is understood, but this process has no profiler to change.
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

/// A body whose data is not `Bytes`, and with trailers, as an application may define it.
struct Own(VecDeque<Frame<BytesMut>>);

impl http_body::Body for Own {
    type Data = BytesMut;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<BytesMut>, std::io::Error>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// Requests the page and the application through the layer, around a service whose bodies `make` makes.
async fn through_the_layer<B>(make: impl Fn() -> B + Clone) -> [String; 2]
where
    B: http_body::Body<Error: std::fmt::Debug, Data: From<Bytes>>,
{
    let Fixture { layer, go, .. } = Fixture::new();
    go.send(()).unwrap();
    let service = layer.layer(service_fn(move |_: Request<Full<Bytes>>| {
        let body = make();
        async move { Ok::<_, Infallible>(Response::new(body)) }
    }));
    let mut answers = [String::new(), String::new()];
    for (answer, path) in answers.iter_mut().zip(["/debug/memory?format=json", "/"]) {
        let request = request("GET", path, Some(RIGHT), Full::default());
        let response = service.clone().oneshot(request).await.unwrap();
        let size = http_body::Body::size_hint(response.body());
        *answer = body_of(response).await;
        assert!(size.lower() <= answer.len() as u64, "{size:?}");
        assert!(size.upper().is_none_or(|upper| upper == answer.len() as u64), "{size:?}");
    }
    answers
}

#[tokio::test]
async fn layer_wraps_a_service_with_any_response_body() {
    fn full() -> Full<Bytes> {
        Full::from("hello")
    }
    let own = || Own([Frame::data(BytesMut::from("hel")), Frame::data(BytesMut::from("lo"))].into());
    let either = |is_left| move || if is_left { Either::Left(full()) } else { Either::Right(full().boxed()) };
    let stream = || StreamBody::new(Once(Some(Ok::<_, Infallible>(Frame::data(Bytes::from("hello"))))));
    for [page, application] in [
        through_the_layer(full).await,
        through_the_layer(|| full().boxed()).await,
        through_the_layer(|| full().map_err(std::io::Error::other).boxed()).await,
        through_the_layer(|| full().boxed_unsync()).await,
        through_the_layer(either(true)).await,
        through_the_layer(either(false)).await,
        through_the_layer(stream).await,
        through_the_layer(|| Limited::new(full(), 100)).await,
        through_the_layer(|| Box::pin(full().boxed())).await,
        through_the_layer(own).await,
    ] {
        assert!(page.contains("memory-debug/v1"), "{page}");
        assert_eq!(application, "hello");
    }
    let [page, application] = through_the_layer(Empty::<Bytes>::new).await;
    assert!(page.contains("memory-debug/v1"), "{page}");
    assert_eq!(application, "");
}

#[tokio::test]
async fn frames_trailers_and_errors_of_the_inner_body_pass_unchanged() {
    let frames = || {
        let (mut trailers, data) = (HeaderMap::new(), Frame::data(BytesMut::from("hello")));
        trailers.insert("grpc-status", "0".parse().unwrap());
        Own([data, Frame::trailers(trailers)].into())
    };
    let service = Fixture::new().layer.layer(service_fn(move |_: Request<Full<Bytes>>| async move {
        Ok::<_, Infallible>(Response::new(frames()))
    }));
    let response = service.oneshot(request("GET", "/", None, Full::default())).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), "hello");

    let broken = || StreamBody::new(Once(Some(Err::<Frame<Bytes>, _>("reset"))));
    let service = Fixture::new().layer.layer(service_fn(move |_: Request<Full<Bytes>>| async move {
        Ok::<_, Infallible>(Response::new(broken()))
    }));
    let response = service.oneshot(request("GET", "/", None, Full::default())).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap_err(), "reset");
}

#[tokio::test]
async fn same_body_keeps_the_type_of_the_body() {
    let layer = Fixture::new().layer.same_body();
    let service = layer.layer(service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
    }));
    let response: Response<Full<Bytes>> =
        service.oneshot(request("GET", "/", None, Full::default())).await.unwrap();
    assert_eq!(body_of(response).await, "hello");
}

#[tokio::test]
async fn option_layer_works_with_a_boxed_body() {
    for (has_page, status) in [(true, StatusCode::UNAUTHORIZED), (false, StatusCode::OK)] {
        let layer = has_page.then(|| Fixture::new().layer.same_body());
        let service = ServiceBuilder::new()
            .option_layer(layer)
            .map_response(|response: Response<BoxBody<Bytes, Infallible>>| response.map(ResponseBody::new))
            .service(service_fn(|_: Request<Full<Bytes>>| async {
                Ok::<_, Infallible>(Response::new(Full::from("hello").boxed()))
            }));
        let ask = |path| service.clone().oneshot(request("GET", path, None, Full::default()));
        assert_eq!(ask("/debug/memory").await.unwrap().status(), status);
        assert_eq!(body_of(ask("/").await.unwrap()).await, "hello");
    }
}

/// A stream of one item.
struct Once<T>(Option<T>);

impl<T: Unpin> futures_core::Stream for Once<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.take())
    }
}
