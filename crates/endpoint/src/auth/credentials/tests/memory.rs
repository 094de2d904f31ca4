//! Searches the writable memory of this process for a password after a request with it was answered.
//!
//! The tests keep the password and the header only in masked form. The request's thread wipes its header,
//! which servers do not do.
//!
//! All tests of this program share its memory. Two things follow. What is searched for must be random in every part: a
//! header begins with `Basic b3Bz` in other tests, too. And only one test of this file runs at a time, because a search
//! copies memory with the secrets of other tests into its buffer.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard};
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

/// What headers of the user `ops` have in common: `Basic `, and the base64 of `ops:` with the bits that the next byte
/// does not change.
const COMMON: usize = "Basic b3BzO".len();

/// While it is held, no other test of this file has a secret in memory.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed does not make the others fail.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A random password, or a header with one, kept in masked form.
struct Hidden {
    masked: Vec<u8>,
    /// The bytes that are random, and so are in memory only because of this secret.
    random: Range<usize>,
}

/// A place in memory that contains a part of a secret. It tells where to look for the cause, and no byte of the secret.
struct Place {
    address: u64,
    /// Its line in `/proc/self/maps`.
    mapping: Mapping,
    /// Which bytes of the secret are there.
    bytes: Range<usize>,
}

#[derive(Clone)]
struct Mapping {
    addresses: Range<u64>,
    name: String,
}

impl Hidden {
    fn new(length: usize) -> Self {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut masked = vec![0; length];
        fill_random(&mut masked).unwrap();
        masked.iter_mut().for_each(|byte| *byte = alphabet[usize::from(*byte & 63)] ^ MASK);
        Self { masked, random: 0..length }
    }

    /// The plain text, which the caller must wipe.
    fn reveal(&self) -> String {
        let mut text = String::with_capacity(self.masked.len());
        text.extend(self.masked.iter().map(|byte| char::from(byte ^ MASK)));
        text
    }

    /// The header value for this password followed by `after`, encoded three bytes at a time.
    fn header(&self, after: &[u8]) -> Self {
        let password = self.masked.iter().map(|byte| byte ^ MASK);
        let mut bytes = b"ops:".iter().copied().chain(password).chain(after.iter().copied());
        let mut header: Vec<u8> = b"Basic ".iter().map(|byte| byte ^ MASK).collect();
        loop {
            let group: Vec<u8> = bytes.by_ref().take(3).collect();
            if group.is_empty() {
                // Behind the password, the header is as little random as `after`.
                let end = "Basic ".len() + ("ops:".len() + self.masked.len()) * 4 / 3;
                return Self { masked: header, random: COMMON..end };
            }
            header.extend(STANDARD.encode(group).bytes().map(|byte| byte ^ MASK));
        }
    }

    /// The places in the writable memory of this process that contain a part of the text.
    fn places(&self) -> Vec<Place> {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut buffer = Zeroizing::new(vec![0; 1 << 20]);
        let all = self.masked.windows(PART).zip(0..);
        let random = all.skip(self.random.start).take(self.random.len() - PART + 1);
        let parts: BTreeMap<&[u8], usize> = random.collect();
        let mut firsts = [false; 256];
        parts.keys().for_each(|part| firsts[usize::from(part[0] ^ MASK)] = true);
        let mut places = Vec::new();
        for mapping in writable() {
            let Range { start: mut at, end } = mapping.addresses;
            while at < end {
                let length = buffer.len().min(usize::try_from(end - at).unwrap());
                // Some mappings cannot be read.
                let Ok(read @ 1..) = memory.read_at(&mut buffer[..length], at) else { break };
                let chunks = buffer[..read].chunks_exact(PART).zip((at..).step_by(PART));
                for (chunk, address) in chunks.filter(|(chunk, _)| firsts[usize::from(chunk[0])]) {
                    let masked: Vec<u8> = chunk.iter().map(|byte| byte ^ MASK).collect();
                    if let Some(&first) = parts.get(&masked[..]) {
                        let (mapping, bytes) = (mapping.clone(), first..first + PART);
                        places.push(Place { address, mapping, bytes });
                    }
                }
                at += read as u64;
            }
        }
        buffer.zeroize();
        places
    }

    /// Checks that no part of the text is in memory.
    #[track_caller]
    fn assert_is_nowhere(&self) {
        let places = self.places();
        assert!(places.is_empty(), "parts of {} secret bytes are in memory: {places:#?}", self.masked.len());
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mapping { addresses: Range { start, end }, name } = &self.mapping;
        let (at, kib) = (self.address - start, (end - start) >> 10);
        let name = if name.is_empty() { "anonymous memory: a heap, a stack or a large block" } else { name };
        write!(f, "bytes {:?} at {:#x}, byte {at:#x} of {kib} KiB of {name}", self.bytes, self.address)
    }
}

fn writable() -> Vec<Mapping> {
    let lines = BufReader::new(File::open("/proc/self/maps").unwrap()).lines().map(Result::unwrap);
    let mapping = |line: String| {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let address = |text| u64::from_str_radix(text, 16).ok();
        let addresses = address(start)?..address(end)?;
        let is_writable = fields.next()?.starts_with("rw");
        is_writable.then(|| Mapping { addresses, name: fields.skip(3).collect() })
    };
    lines.filter_map(mapping).collect()
}

/// Answers a request with these headers and calls `inspect` with the status. The thread that answered keeps its stack
/// until `inspect` returns.
fn with_answer_of(
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
    with_answer_of(endpoint, HEAD, &[header], |status| {
        assert_eq!(status, expected);
        password.assert_is_nowhere();
        header.assert_is_nowhere();
    });
}

#[test]
fn s16_the_search_finds_a_password_in_memory() {
    let _alone = alone();
    let password = Hidden::new(24);
    let header = password.header(b"");
    for secret in [password, header] {
        secret.assert_is_nowhere();
        let mut planted = Zeroizing::new(secret.reveal());
        let places = secret.places();
        assert!(places.len() >= 2);
        let at = planted.as_ptr() as u64;
        assert!(places.iter().any(|place| place.address == at + place.bytes.start as u64), "{places:#?}");
        planted.zeroize();
        secret.assert_is_nowhere();
    }
}

#[test]
fn s16_the_search_does_not_take_the_header_of_another_test_for_a_secret() {
    let _alone = alone();
    let [header, other] = [(); 2].map(|()| Hidden::new(24).header(&b"x".repeat(24)));
    let _of_other_test = Zeroizing::new(other.reveal());
    let is_equal: Vec<_> = header.masked.iter().zip(&other.masked).map(|(one, other)| one == other).collect();
    assert!(
        is_equal[..COMMON].iter().all(|equal| *equal)
            && is_equal[is_equal.len() - 24..].iter().all(|equal| *equal)
    );
    header.assert_is_nowhere();
}

#[test]
fn s16_a_refused_password_is_nowhere_in_memory_after_the_reply() {
    let _alone = alone();
    let endpoint = Endpoint::new(Credentials::new("ops", GOOD).unwrap());
    // Within one block of the digest, close to its length, over several blocks, and the maximum length.
    for length in [16, 24, 55, 63, 64, 65, 200, MAX_PAIR_BYTES - 4] {
        let password = Hidden::new(length);
        assert_leaves_nothing(&endpoint, &password, &password.header(b""), 401);
    }
}

#[test]
fn s16_a_password_in_a_malformed_header_is_nowhere_in_memory() {
    let _alone = alone();
    let endpoint = Endpoint::new(Credentials::new("ops", GOOD).unwrap());
    let password = Hidden::new(40);
    for after in [&b"\n"[..], b"\0", &b"x".repeat(MAX_PAIR_BYTES)] {
        assert_leaves_nothing(&endpoint, &password, &password.header(after), 401);
    }
    let mut cut = password.header(b"xy");
    cut.masked.pop();
    assert_leaves_nothing(&endpoint, &password, &cut, 401);
    cut.masked.push(b'!' ^ MASK);
    assert_leaves_nothing(&endpoint, &password, &cut, 401);
    let whole = password.header(b"");
    with_answer_of(&endpoint, HEAD, &[&whole, &whole], |status| {
        assert_eq!(status, 401);
        password.assert_is_nowhere();
        whole.assert_is_nowhere();
    });
}

#[test]
fn s16_guesses_at_a_weak_password_are_nowhere_in_memory() {
    let _alone = alone();
    let endpoint = Endpoint::new(Credentials::allow_weak("ops", "x").unwrap());
    let password = Hidden::new(32);
    assert_leaves_nothing(&endpoint, &password, &password.header(b""), 401);
    // Exceed the limit of guesses, so that the next password is not checked.
    for _ in 0..20 {
        with_answer_of(&endpoint, HEAD, &[&Hidden::new(9).header(b"")], |_| {});
    }
    assert_leaves_nothing(&endpoint, &password, &password.header(b""), 429);
}

#[test]
fn s16_current_and_replaced_passwords_are_nowhere_in_memory() {
    let _alone = alone();
    let (first, second) = (Hidden::new(24), Hidden::new(90));
    let credentials = Credentials::new("ops", first.reveal()).unwrap();
    first.assert_is_nowhere();
    let endpoint = Endpoint::new(credentials.clone());
    assert_leaves_nothing(&endpoint, &first, &first.header(b""), 200);
    credentials.replace(Credentials::new("ops", second.reveal()).unwrap());
    assert_leaves_nothing(&endpoint, &first, &first.header(b""), 401);
    assert_leaves_nothing(&endpoint, &second, &second.header(b""), 200);
}

#[test]
fn s16_passwords_from_a_file_are_nowhere_in_memory() {
    let _alone = alone();
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
        first.assert_is_nowhere();
        let now = Instant::now();
        for (seconds, next) in [(2, &weak), (4, &second)] {
            write(&file, before, next);
            credentials.refresh(now + std::time::Duration::from_secs(seconds));
            first.assert_is_nowhere();
            next.assert_is_nowhere();
        }
        assert_leaves_nothing(&Endpoint::new(credentials), &second, &second.header(b""), 200);
    }
}

/// Siblings are asked with the caller's header.
#[cfg(feature = "siblings")]
#[test]
fn s16_a_password_sent_to_siblings_is_nowhere_in_memory() {
    let _alone = alone();
    let password = Hidden::new(40);
    let directory = std::env::temp_dir().join(format!("memory-debug-asked-{}", std::process::id()));
    let endpoint = Endpoint::new(Credentials::new("ops", password.reveal()).unwrap()).siblings(&directory);
    let header = password.header(b"");
    with_answer_of(&endpoint, ("GET", "/debug/memory/fleet"), &[&header], |status| {
        // The threads that asked and answered may not have wiped their copies yet.
        assert_eq!(status, 200);
        let is_gone = |_| password.places().is_empty() && header.places().is_empty();
        if !(0..100).any(is_gone) {
            password.assert_is_nowhere();
            header.assert_is_nowhere();
        }
    });
    fs::remove_dir_all(directory).unwrap();
}
