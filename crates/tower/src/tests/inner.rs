//! Tests that the inner service answers all other requests as if there were no layer.

use http::HeaderMap;
use proptest::prelude::*;
use tower::limit::ConcurrencyLimit;
use tower::service_fn;

use super::*;

#[tokio::test]
async fn s22_inner_service_is_called_only_when_it_is_ready() {
    let mut service = Fixture::new().layer.layer(Strict::default());
    for path in ["/", "/debug/memory", "/debug/memory", "/other", "/debug/memory", "/"] {
        let response = ready(&mut service)
            .await
            .call(request("GET", path, None, Full::<Bytes>::default()))
            .await
            .unwrap();
        assert_eq!(response.status() == StatusCode::CREATED, !path.starts_with("/debug"), "{path}");
    }
}

#[tokio::test]
async fn s22_errors_of_the_inner_service_pass_through() {
    #[derive(Clone)]
    struct Failing {
        ready: bool,
    }
    impl Service<Request<Full<Bytes>>> for Failing {
        type Response = Response<Full<Bytes>>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(if self.ready { Ok(()) } else { Err("not ready") })
        }
        fn call(&mut self, _request: Request<Full<Bytes>>) -> Self::Future {
            std::future::ready(Err("failed"))
        }
    }
    let layer = Fixture::new().layer;
    let ask =
        |ready| layer.layer(Failing { ready }).oneshot(request("GET", "/", None, Full::<Bytes>::default()));
    assert_eq!(ask(false).await.unwrap_err(), "not ready");
    assert_eq!(ask(true).await.unwrap_err(), "failed");
}

#[tokio::test]
async fn s22_permit_that_the_page_did_not_use_serves_the_next_request() {
    let limited =
        ConcurrencyLimit::new(service_fn(|request| async move { Ok::<_, Infallible>(echo(&request)) }), 1);
    let mut service = Fixture::new().layer.layer(limited);
    for path in ["/debug/memory", "/", "/debug/memory", "/debug/memory", "/"] {
        let response = ready(&mut service)
            .await
            .call(request("GET", path, None, Full::<Bytes>::default()))
            .await
            .unwrap();
        assert_eq!(response.status() == StatusCode::CREATED, path == "/", "{path}");
    }
}

/// Headers of which two may have the same name.
fn headers() -> impl Strategy<Value = HeaderMap> {
    proptest::collection::vec(("[a-c]{1,2}", "[ -~]{0,8}"), 0..5).prop_map(|pairs| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(http::HeaderName::try_from(name).unwrap(), value.trim().parse().unwrap());
        }
        headers
    })
}

proptest! {
    #[test]
    fn s22_other_requests_are_answered_as_if_there_were_no_layer(
        method in "[A-Z]{1,7}",
        path in "(/|/debug|/debug/memor|/debug/memoryx|/Debug/memory)?[a-z0-9%2F._~-]{0,12}",
        headers in headers(),
        extension: Option<u32>,
    ) {
        let target = if path.starts_with('/') { path } else { format!("/{path}") };
        prop_assume!(!target.starts_with("/debug/memory/") && target != "/debug/memory");
        let make = || {
            let mut made = request(&method, &target, None, Full::<Bytes>::default());
            *made.headers_mut() = headers.clone();
            extension.map(|value| made.extensions_mut().insert(value));
            made
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let with = runtime.block_on(Fixture::new().layer.layer(Strict::default()).oneshot(make())).unwrap();
        let without = runtime.block_on(Strict::default().oneshot(make())).unwrap();
        prop_assert_eq!(with.status(), without.status());
        prop_assert_eq!(with.version(), without.version());
        prop_assert_eq!(with.headers(), without.headers());
        prop_assert_eq!(with.extensions().get::<u8>(), Some(&7));
        prop_assert_eq!(runtime.block_on(body_of(with)), runtime.block_on(body_of(without)));
    }
}
