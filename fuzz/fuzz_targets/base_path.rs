//! A base path and, on a second line, the target of a request: accepted is what the documentation allows; its own is
//! what is the base or below it, byte for byte; and the quick look that every request passes misses none of it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use memory_debug_endpoint::{Credentials, Endpoint};

static ENDPOINT: LazyLock<Endpoint> =
    LazyLock::new(|| Endpoint::new(Credentials::allow_weak("ops", "secret").expect("sendable credentials")));

fuzz_target!(|input: &str| {
    let (base, target) = input.split_once('\n').unwrap_or((input, input));
    let endpoint = match ENDPOINT.clone().path(base) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            assert!(!is_plain(base), "{error}");
            // A terminal shows it.
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
            return;
        }
    };
    assert!(is_plain(base), "{base:?}");
    assert_eq!(endpoint.base_path(), base);
    let (path, _) = target.split_once('?').unwrap_or((target, ""));
    let below = format!("{base}{path}");
    for path in [path, base, &below] {
        let is_ours = path == base || path.starts_with(&format!("{base}/"));
        assert_eq!(endpoint.matches(path), is_ours, "{path:?}");
    }
});

/// `/` and a segment, once or more; segments as URLs have them without encoding, none that clients take away.
fn is_plain(base: &str) -> bool {
    let mut segments = base.split('/');
    segments.next() == Some("")
        && base.len() > 1
        && segments.all(|segment| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=@".contains(c);
            !["", ".", ".."].contains(&segment) && segment.chars().all(is_plain)
        })
}
