//! Tests of the command with a Unix socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;

use crate::run;

#[test]
fn socket_is_used_instead_of_the_address_and_of_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let service = thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0);
        }
        let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        reader.get_mut().write_all(answer).unwrap();
        head
    });
    // Plain HTTP to this host would need `--insecure`, and the name has no address.
    let words = ["types", "http://shop.invalid", "--json", "--unix-socket", path.to_str().unwrap()];
    let mut command = run::command(&words.map(str::to_owned));
    let output = command.env("MEMORY_DEBUG_PROXY", "http://127.0.0.1:1").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), "{}", "{:?}", output.stderr);
    let head = service.join().unwrap().to_lowercase();
    assert!(head.starts_with("get /debug/memory/types?format=json&top=50 http/1.1\r\n"), "{head}");
    assert!(
        head.contains("\r\nhost: shop.invalid\r\n") && head.contains("\r\nauthorization: basic "),
        "{head}"
    );
}

#[test]
fn missing_socket_is_named() {
    let words = ["types", "http://localhost", "--unix-socket", "/nonexistent/memory.sock"];
    let output = run::command(&words.map(str::to_owned)).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("/nonexistent/memory.sock: No such file or directory"), "{message}");
}
