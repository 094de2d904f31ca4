//! Bodies that frameworks deserialize for a handler.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use actix_web::FromRequest as _;
use axum::extract::FromRequest as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::crates::size_class;
use crate::ledger::{keep, own, transfer};

macro_rules! records {
    ($($record:ident, $data:ident)+) => {$(
        #[derive(Debug, Deserialize, Serialize)]
        struct $record {
            id: String,
            idx: u64,
            data: $data,
        }

        #[derive(Debug, Deserialize, Serialize)]
        struct $data {
            raw: String,
            key: String,
        }

        impl $record {
            fn text_bytes(&self) -> u64 {
                [&self.id, &self.data.raw, &self.data.key].map(|text| size_class(text.capacity())).iter().sum()
            }
        }
    )+};
}

records! {
    AxumRecord, AxumData
    ActixRecord, ActixData
    PathErrorRecord, PathErrorData
    SliceRecord, SliceData
}

const RECORDS: u64 = 2_000;

pub(crate) fn populate() {
    let record = |idx: u64| {
        let data = SliceData { raw: format!("{idx:>60}"), key: format!("key-{idx:>20}") };
        SliceRecord { id: format!("id-{idx:>30}"), idx, data }
    };
    let body: Bytes =
        serde_json::to_vec(&(0..RECORDS).map(record).collect::<Vec<_>>()).expect("valid").into();

    let records: Vec<SliceRecord> =
        own("body by serde_json", || serde_json::from_slice(&body).expect("valid"));
    account("body by serde_json", records, SliceRecord::text_bytes);

    let records: Vec<PathErrorRecord> = own("body by serde_path_to_error", || {
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&body)).expect("valid")
    });
    account("body by serde_path_to_error", records, PathErrorRecord::text_bytes);

    account("body by axum's Json", by_axum(&body), AxumRecord::text_bytes);
    account("body by actix's Json", by_actix(&body), ActixRecord::text_bytes);
    form();
}

/// Books the text of the records to `String`, and keeps the records.
fn account<R>(population: &str, records: Vec<R>, text_bytes: impl Fn(&R) -> u64) {
    transfer(records.iter().map(text_bytes).sum(), population, "String");
    keep(records);
}

fn by_axum(body: &Bytes) -> Vec<AxumRecord> {
    // The request is created and freed inside, so that only the extracted value is left.
    own("body by axum's Json", || {
        let request = http::Request::post("/").header(http::header::CONTENT_TYPE, "application/json");
        let request = request.body(axum::body::Body::from(body.clone())).expect("a request");
        ready(axum::Json::<Vec<AxumRecord>>::from_request(request, &())).expect("valid").0
    })
}

fn by_actix(body: &Bytes) -> Vec<ActixRecord> {
    let request = actix_web::test::TestRequest::post().insert_header(("content-type", "application/json"));
    let (request, mut payload) = request.set_payload(body.clone()).to_http_parts();
    own("body by actix's Json", || {
        let extracted = actix_web::web::Json::<Vec<ActixRecord>>::from_request(&request, &mut payload);
        ready(extracted).expect("valid").0
    })
}

/// Forms have no nested records.
fn form() {
    #[derive(Debug, Deserialize)]
    struct Form {
        #[expect(dead_code, reason = "allocated but never read")]
        id: String,
        raw: String,
    }
    for _ in 0..200 {
        let form = own("String", || {
            let body =
                axum::body::Body::from("id=a-name-of-some-length&raw=some+text+that+is+escaped+%26+longer");
            let request = http::Request::post("/");
            let request = request.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let request = request.body(body).expect("a request");
            ready(axum::Form::<Form>::from_request(request, &())).expect("valid").0
        });
        // The decoder allocates bytes, which then become the text.
        transfer(size_class(form.raw.capacity()), "String", "escaped text of a form");
        keep(form);
    }
}

/// The result of a future that never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}
