//! Searches the writable memory of this process for a password after a request with it was answered.
//!
//! The tests keep the password and the header only in masked form. The request's thread wipes its header,
//! which servers do not do.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memory_debug_fleet::fill_random;
use zeroize::{Zeroize as _, Zeroizing};

use super::*;
use crate::endpoint::Endpoint;
use crate::parts::{Connection, RequestParts};

/// Changes every byte of a password into a byte that no password contains.
const MASK: u8 = 0x80;

/// The length of the parts that are searched for, at multiples of this length. A remnant of twice this length
/// is always found.
const PART: usize = 8;

/// A random password, or a header with one, kept in masked form.
struct Hidden(Vec<u8>);

impl Hidden {
    fn new(length: usize) -> Self {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut random = vec![0; length];
        fill_random(&mut random).unwrap();
        random.iter_mut().for_each(|byte| *byte = alphabet[usize::from(*byte & 63)] ^ MASK);
        Self(random)
    }

    /// The plain text, which the caller must wipe.
    fn reveal(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        text.extend(self.0.iter().map(|byte| char::from(byte ^ MASK)));
        text
    }

    /// The header value for this password followed by `after`, encoded three bytes at a time.
    fn header(&self, after: &[u8]) -> Self {
        let password = self.0.iter().map(|byte| byte ^ MASK);
        let mut bytes = b"ops:".iter().copied().chain(password).chain(after.iter().copied());
        let mut header: Vec<u8> = b"Basic ".iter().map(|byte| byte ^ MASK).collect();
        loop {
            let group: Vec<u8> = bytes.by_ref().take(3).collect();
            if group.is_empty() {
                return Self(header);
            }
            header.extend(STANDARD.encode(group).bytes().map(|byte| byte ^ MASK));
        }
    }

    /// The number of places in the writable memory of this process that contain a part of the text.
    fn places(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut buffer = Zeroizing::new(vec![0; 1 << 20]);
        let parts: BTreeSet<&[u8]> = self.0.windows(PART).collect();
        let mut firsts = [false; 256];
        parts.iter().for_each(|part| firsts[usize::from(part[0] ^ MASK)] = true);
        let mut places = 0;
        for (mut at, end) in writable() {
            while at < end {
                let length = buffer.len().min(usize::try_from(end - at).unwrap());
                // Some mappings cannot be read.
                let Ok(read @ 1..) = memory.read_at(&mut buffer[..length], at) else { break };
                at += read as u64;
                for part in buffer[..read].chunks_exact(PART).filter(|part| firsts[usize::from(part[0])]) {
                    let masked: Vec<u8> = part.iter().map(|byte| byte ^ MASK).collect();
                    places += usize::from(parts.contains(&masked[..]));
                }
            }
        }
        buffer.zeroize();
        places
    }
}

fn writable() -> Vec<(u64, u64)> {
    let lines = BufReader::new(File::open("/proc/self/maps").unwrap()).lines().map(Result::unwrap);
    let writable = lines.filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")));
    let range = |line: String| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
    };
    writable.filter_map(range).collect()
}

/// Answers a request with these headers and calls `inspect` with the status. The thread that answered keeps its stack
/// until `inspect` returns.
fn answered_before(
    endpoint: &Endpoint,
    (method, path): (&str, &str),
    headers: &[&Hidden],
    inspect: impl FnOnce(u16),
) {
    let (status, has_status) = std::sync::mpsc::channel();
    let (end, has_ended) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let revealed: Vec<_> = headers.iter().map(|header| Zeroizing::new(header.reveal())).collect();
            let values = |name: &str| match name {
                "authorization" => revealed.iter().map(|header| header.as_bytes()).collect(),
                _ => Vec::new(),
            };
            let connection = Connection { peer: Some([192, 0, 2, 7].into()), tls: Some(true) };
            let (authority, query, headers) = (None, None, &values);
            let outcome =
                endpoint.handle(RequestParts { method, authority, path, query, headers, connection });
            drop(revealed);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            status.send(runtime.block_on(outcome).status).unwrap();
            let _ = has_ended.recv();
        });
        inspect(has_status.recv().unwrap());
        drop(end);
    });
}

/// A request that collects nothing.
const HEAD: (&str, &str) = ("HEAD", "/debug/memory");

fn assert_leaves_nothing(endpoint: &Endpoint, password: &Hidden, header: &Hidden, expected: u16) {
    answered_before(endpoint, HEAD, &[header], |status| {
        assert_eq!((status, password.places(), header.places()), (expected, 0, 0));
    });
}

#[test]
fn s16_a_text_in_memory_is_found() {
    let password = Hidden::new(24);
    assert_eq!(password.places(), 0);
    let mut planted = Zeroizing::new(password.reveal());
    assert!(password.places() >= 2);
    planted.zeroize();
    assert_eq!(password.places(), 0);
}

#[test]
fn s16_a_refused_password_is_nowhere_in_memory_after_the_reply() {
    let endpoint = Endpoint::new(Credentials::new("ops", GOOD).unwrap());
    // Within one block of the digest, close to its length, over several blocks, and the maximum length.
    for length in [16, 24, 55, 63, 64, 65, 200, MAX_PAIR_BYTES - 4] {
        let password = Hidden::new(length);
        assert_leaves_nothing(&endpoint, &password, &password.header(b""), 401);
    }
}

#[test]
fn s16_a_password_in_a_malformed_header_is_nowhere_in_memory() {
    let endpoint = Endpoint::new(Credentials::new("ops", GOOD).unwrap());
    let password = Hidden::new(40);
    for after in [&b"\n"[..], b"\0", &b"x".repeat(MAX_PAIR_BYTES)] {
        assert_leaves_nothing(&endpoint, &password, &password.header(after), 401);
    }
    let mut cut = password.header(b"xy");
    cut.0.pop();
    assert_leaves_nothing(&endpoint, &password, &cut, 401);
    cut.0.push(b'!' ^ MASK);
    assert_leaves_nothing(&endpoint, &password, &cut, 401);
    let whole = password.header(b"");
    answered_before(&endpoint, HEAD, &[&whole, &whole], |status| {
        assert_eq!((status, password.places(), whole.places()), (401, 0, 0));
    });
}

#[test]
fn s16_guesses_at_a_weak_password_are_nowhere_in_memory() {
    let endpoint = Endpoint::new(Credentials::allow_weak("ops", "x").unwrap());
    let password = Hidden::new(32);
    assert_leaves_nothing(&endpoint, &password, &password.header(b""), 401);
    // Exceed the limit of guesses, so that the next password is not checked.
    for _ in 0..20 {
        answered_before(&endpoint, HEAD, &[&Hidden::new(9).header(b"")], |_| {});
    }
    assert_leaves_nothing(&endpoint, &password, &password.header(b""), 429);
}

#[test]
fn s16_current_and_replaced_passwords_are_nowhere_in_memory() {
    let (first, second) = (Hidden::new(24), Hidden::new(90));
    let credentials = Credentials::new("ops", first.reveal()).unwrap();
    assert_eq!(first.places(), 0);
    let endpoint = Endpoint::new(credentials.clone());
    assert_leaves_nothing(&endpoint, &first, &first.header(b""), 200);
    credentials.replace(Credentials::new("ops", second.reveal()).unwrap());
    assert_leaves_nothing(&endpoint, &first, &first.header(b""), 401);
    assert_leaves_nothing(&endpoint, &second, &second.header(b""), 200);
}

#[test]
fn s16_passwords_from_a_file_are_nowhere_in_memory() {
    let (first, second, weak) = (Hidden::new(24), Hidden::new(24), Hidden::new(9));
    let write = |file: &TestFile, before: &str, password: &Hidden| {
        let text = Zeroizing::new(password.reveal());
        let line = Zeroizing::new([before, &text, "\n"].concat());
        fs::write(&file.0, line.as_bytes()).unwrap();
    };
    let file = TestFile::new("memory", "");
    for from_file in [true, false] {
        let before = if from_file { "ops:" } else { "" };
        write(&file, before, &first);
        let credentials = if from_file {
            Credentials::from_file(&file.0)
        } else {
            from_vars(&[("MEMORY_DEBUG_PASSWORD_FILE", file.0.to_str().unwrap())])
        };
        let credentials = credentials.unwrap();
        assert_eq!(first.places(), 0);
        let now = Instant::now();
        for (seconds, next) in [(2, &weak), (4, &second)] {
            write(&file, before, next);
            credentials.refresh(now + std::time::Duration::from_secs(seconds));
            assert_eq!((first.places(), next.places()), (0, 0));
        }
        assert_leaves_nothing(&Endpoint::new(credentials), &second, &second.header(b""), 200);
    }
}

/// Siblings are asked with the caller's header.
#[cfg(feature = "siblings")]
#[test]
fn s16_a_password_sent_to_siblings_is_nowhere_in_memory() {
    let password = Hidden::new(40);
    let directory = std::env::temp_dir().join(format!("memory-debug-asked-{}", std::process::id()));
    let endpoint = Endpoint::new(Credentials::new("ops", password.reveal()).unwrap()).siblings(&directory);
    let header = password.header(b"");
    answered_before(&endpoint, ("GET", "/debug/memory/fleet"), &[&header], |status| {
        // The threads that asked and answered may not have wiped their copies yet.
        let is_gone = (0..100).any(|_| (password.places(), header.places()) == (0, 0));
        assert_eq!((status, is_gone), (200, true));
    });
    fs::remove_dir_all(directory).unwrap();
}
