//! A base path and, on a second line, the target of a request. A base path is accepted if the documentation allows
//! it. The endpoint answers exactly the base and the paths below it, byte for byte. The quick check of every request
//! misses none of these paths.

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
            // The message is shown on terminals.
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

/// Whether the base consists of one or more segments after `/`. Segments need no URL encoding, and clients do not
/// remove them.
fn is_plain(base: &str) -> bool {
    let mut segments = base.split('/');
    segments.next() == Some("")
        && base.len() > 1
        && segments.all(|segment| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=@".contains(c);
            !["", ".", ".."].contains(&segment) && segment.chars().all(is_plain)
        })
}
