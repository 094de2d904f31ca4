//! Tests of the command behind an HTTP proxy.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::thread;

use crate::run;

/// Runs the command through a proxy that sends `answers`, one after the other, on its first connection. Returns the
/// bytes that the proxy received before each answer and after the last answer, and the output of the command.
fn through_proxy(line: &str, login: &str, answers: &'static [&'static str]) -> (Vec<Vec<u8>>, Output) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        for answer in answers {
            seen.push(head(&mut stream));
            stream.write_all(answer.as_bytes()).unwrap();
        }
        let mut rest = [0; 4096];
        let length = stream.read(&mut rest).unwrap_or(0);
        seen.push(rest[..length].to_vec());
        seen
    });
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let mut command = run::command(&words);
    command.env("MEMORY_DEBUG_PROXY", format!("http://{login}127.0.0.1:{port}"));
    // These must be ignored: a connection to them would be refused.
    command.env("http_proxy", "http://127.0.0.1:1").env("https_proxy", "http://127.0.0.1:1");
    let output = command.output().unwrap();
    (proxy.join().unwrap(), output)
}

fn head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.extend(byte);
    }
    head
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn http_request_has_the_full_url_and_both_logins() {
    let answer = &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"];
    let line = "fetch http://shop.invalid:8080 --json --insecure";
    let (seen, output) = through_proxy(line, "pro:s3c%40ret@", answer);
    assert_eq!((text(&output.stdout).trim_end(), output.status.code()), ("{}", Some(0)), "{output:?}");
    let head = text(&seen[0]);
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("GET http://shop.invalid:8080/debug/memory?format=json&top=50 HTTP/1.1"));
    // `pro:s3c@ret`
    assert_eq!(lines.next(), Some("Proxy-Authorization: Basic cHJvOnMzY0ByZXQ="));
    assert!(head.to_lowercase().contains("\r\nhost: shop.invalid:8080\r\n"), "{head}");
    assert!(head.to_lowercase().contains("\r\nauthorization: basic "), "{head}");
}

#[test]
fn https_uses_a_tunnel_that_hides_the_login_from_the_proxy() {
    let answer = &["HTTP/1.1 200 Connection established\r\nvia: a proxy\r\n\r\n"];
    let (seen, output) = through_proxy("fetch https://shop.invalid:8443", "pro:s3cret@", answer);
    let expected = "CONNECT shop.invalid:8443 HTTP/1.1\r\nHost: shop.invalid:8443\r\n\
         Proxy-Authorization: Basic cHJvOnMzY3JldA==\r\n\r\n";
    assert_eq!(text(&seen[0]), expected);
    // A TLS handshake of the client, for the name of the target.
    assert_eq!(seen[1][0], 0x16, "{:?}", seen[1]);
    assert!(seen[1].windows(12).any(|name| name == b"shop.invalid"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn refusal_of_a_proxy_is_explained_without_its_login() {
    let refusal = &["HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"];
    for line in ["fetch https://shop.invalid", "fetch http://shop.invalid --insecure"] {
        let (_, output) = through_proxy(line, "pro:s3cret@", refusal);
        let message = text(&output.stderr);
        assert!(
            message.contains("the proxy answered 407; it requires a login: set MEMORY_DEBUG_PROXY"),
            "{message}"
        );
        assert!(!message.contains("s3cret"), "{message}");
        assert_eq!(output.status.code(), Some(1));
    }
    let (_, output) = through_proxy("fetch https://shop.invalid", "", &["SSH-2.0-OpenSSH\r\n\r\n"]);
    let message = text(&output.stderr);
    assert!(
        message.contains("the proxy sent a reply that is not HTTP (through the proxy 127.0.0.1:"),
        "{message}"
    );
}

#[test]
fn plain_http_through_a_proxy_needs_insecure() {
    for target in ["http://localhost:1", "http://shop.invalid"] {
        let words = ["fetch", target, "--proxy", "http://pro:s3cret@proxy.invalid:1"].map(str::to_owned);
        let output = run::command(&words).output().unwrap();
        let message = text(&output.stderr);
        assert!(message.contains("plain HTTP through a proxy would expose the password"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}
