//! The `Authorization` headers of a request, separated by the byte 0xFF. Only a single header with the right
//! credentials is accepted.
//!
//! Base64 is canonical, so right credentials have exactly one token. This target only *encodes* it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use memory_debug_endpoint::{Credentials, authenticate};

#[path = "../base64.rs"]
mod base64;

use base64::base64;

/// A login for each number of padding characters, and one with colons and letters beyond ASCII.
const PAIRS: [(&str, &str); 4] = [("ops", "secret"), ("ops", "secre"), ("ops", "secrets"), ("öps", ":s:ü: ")];

static CREDENTIALS: LazyLock<[(Credentials, String); 4]> = LazyLock::new(|| {
    PAIRS.map(|(user, password)| {
        let credentials = Credentials::allow_weak(user, password).expect("sendable credentials");
        (credentials, base64(format!("{user}:{password}").as_bytes()))
    })
});

fuzz_target!(|data: &[u8]| {
    let headers: Vec<&[u8]> = data.split(|byte| *byte == 0xFF).skip(usize::from(data.is_empty())).collect();
    for (credentials, token) in &*CREDENTIALS {
        let accepted = authenticate(credentials, headers.iter().copied()).is_ok();
        assert_eq!(accepted, is_right(&headers, token), "{token}");
    }
});

fn is_right(headers: &[&[u8]], token: &str) -> bool {
    let [header] = headers else { return false };
    let Ok(header) = std::str::from_utf8(header) else { return false };
    let Some((scheme, rest)) = header.split_once(' ') else { return false };
    header.len() <= 4096 && scheme.to_ascii_lowercase() == "basic" && rest.trim_start_matches(' ') == token
}
