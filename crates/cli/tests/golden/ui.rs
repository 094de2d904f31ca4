//! Tests of the server for a browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::run;

/// `ops` and the password of the tests, as sent.
const LOGIN: &str = "authorization: basic b3bzomp1bwjszwqtb3r0zxjzlxnpcc1jb2xklxrlyq==";

/// A page with headers that must not reach the browser.
const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\netag: \"7\"\r\nset-cookie: a=b\r\n\
    access-control-allow-origin: *\r\nconnection: close\r\ncontent-length: 4\r\n\r\npage";

/// A service that sends what `answer` returns for the head of a request. Returns its port, and all heads.
pub(crate) fn service(answer: fn(&str) -> &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, heads) = channel();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, answer, &seen)));
    (port, heads)
}

/// Answers one request. Ignores a client that disconnects.
fn serve(stream: TcpStream, answer: fn(&str) -> &'static str, seen: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_ok() {
        let _ = reader.get_mut().write_all(answer(&head).as_bytes());
        let _ = seen.send(head + &String::from_utf8(body).unwrap());
    }
}

/// The running command, which ends with this value.
struct Ui {
    child: Child,
    /// `127.0.0.1:PORT`
    authority: String,
    /// `/TOKEN`
    token: String,
    /// `/debug/memory`
    base: String,
}

impl Ui {
    /// Starts the command for the service on `port`, and takes the request that it begins with.
    fn start(port: u16, heads: &Receiver<String>) -> Self {
        Self::start_with(port, heads, |command| command)
    }

    /// Like [`start`](Self::start), with more settings.
    fn start_with(port: u16, heads: &Receiver<String>, set: impl Fn(&mut Command) -> &mut Command) -> Self {
        let words = ["ui".to_owned(), format!("http://localhost:{port}")];
        let mut command = run::command(&words);
        let mut child = set(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(heads.recv().unwrap().starts_with("HEAD /debug/memory HTTP/1.1\r\n"));
        let address = line.trim_end().strip_prefix("http://").unwrap();
        let (authority, path) = address.split_once('/').unwrap();
        let (token, base) = path.split_once('/').unwrap();
        assert_eq!((token.len(), base), (32, "debug/memory"), "{line}");
        Self { child, authority: authority.to_owned(), token: format!("/{token}"), base: format!("/{base}") }
    }

    /// Sends a request to `path`, with the right host and these header lines. Returns the response.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        let length =
            if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}{length}\r\n", self.authority);
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The path of the page at `rest` below the overview.
    fn page(&self, rest: &str) -> String {
        format!("{}{}{rest}", self.token, self.base)
    }

    /// Ends the command, and returns what it wrote to standard error.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut text = String::new();
        let mut stderr: ChildStderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn s38_the_service_gets_the_login_and_nothing_about_the_browser() {
    let (port, heads) = service(|_| PAGE);
    let ui = Ui::start(port, &heads);
    let origin = format!("http://{}", ui.authority);
    let headers = format!(
        "origin: {origin}\r\nreferer: {origin}{}\r\nsec-fetch-site: same-origin\r\nsec-fetch-mode: navigate\r\ncookie: \
         a=b\r\nauthorization: Basic eDp5\r\nx-forwarded-for: 192.0.2.1\r\naccept: text/html\r\ncontent-type: \
         application/x-www-form-urlencoded\r\n",
        ui.page("")
    );
    let answer = ui.ask("POST", &ui.page("/snapshots?a=%20b"), &headers, "label=x");
    let seen = heads.recv().unwrap().to_lowercase();
    assert!(seen.starts_with("post /debug/memory/snapshots?a=%20b http/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\nlabel=x"), "{seen}");
    for part in [LOGIN, "accept: text/html", "content-type: application/x-www-form-urlencoded"] {
        assert_eq!(seen.matches(part).count(), 1, "{part}: {seen}");
    }
    assert!(seen.contains(&format!("host: localhost:{port}\r\n")), "{seen}");
    for part in ["origin", "referer", "sec-fetch", "cookie", "edp5", "forwarded", &ui.token[1..]] {
        assert!(!seen.contains(part), "{part}: {seen}");
    }
    let answer = answer.to_lowercase();
    assert!(answer.starts_with("http/1.1 200 ok\r\n") && answer.ends_with("\r\n\r\npage"), "{answer}");
    assert!(answer.contains("etag: \"7\"\r\n"), "{answer}");
    assert!(!answer.contains("cookie") && !answer.contains("access-control"), "{answer}");
    let token = ui.token.clone();
    let written = ui.end();
    assert!(
        written.contains(" as ops; press Ctrl-C to end\n") && !written.contains(&token[1..]),
        "{written}"
    );
}

#[test]
fn s36_requests_without_the_token_reach_no_service() {
    let (port, heads) = service(|_| PAGE);
    let ui = Ui::start(port, &heads);
    for path in ["/", "/favicon.ico", &ui.base, &format!("/{}{}", "0".repeat(32), ui.base)] {
        let answer = ui.ask("GET", path, "", "");
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
    let refused = ui.ask("POST", &ui.page("/purge"), "origin: https://attacker.example\r\n", "");
    assert!(refused.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{refused}");
    let long = ui.ask("POST", &ui.page("/snapshots"), "", &"x".repeat(16 * 1024 + 1));
    assert!(long.starts_with("HTTP/1.1 413 "), "{long}");
    assert!(heads.try_recv().is_err(), "the service was asked");
}

#[test]
fn s38_a_rejected_login_becomes_a_page_with_advice_and_no_challenge() {
    let (port, heads) = service(|head| {
        if head.starts_with("HEAD") {
            return "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
        }
        "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"memory\"\r\nconnection: close\r\n\r\n"
    });
    let ui = Ui::start(port, &heads);
    for accept in ["text/html,*/*;q=0.8", "application/json"] {
        let answer = ui.ask("GET", &ui.page("/types"), &format!("accept: {accept}\r\n"), "");
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
        assert!(
            answer.contains("the login of ops was rejected (401); check the user and the password"),
            "{answer}"
        );
        assert!(!answer.to_lowercase().contains("www-authenticate"), "{answer}");
        assert_eq!(answer.contains("<!DOCTYPE html>"), accept.starts_with("text/html"), "{answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'; "), "{answer}");
    }
    while heads.try_recv().is_ok() {}
    let page = ui.ask("GET", &ui.page("/types"), "accept: text/html\r\n", "");
    heads.recv().unwrap();
    let style = page
        .split("href=\"./")
        .find(|rest| rest.starts_with("assets/ui-"))
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let sheet = ui.ask("GET", &ui.page(&format!("/{style}")), "", "");
    assert!(sheet.contains("content-type: text/css") && sheet.contains(":root"), "{sheet}");
    assert!(heads.try_recv().is_err(), "the service was asked");
}

#[test]
fn s38_redirects_keep_the_token_and_lead_to_no_other_server() {
    let (port, heads) = service(|head| match head.split(' ').nth(1) {
        Some("/debug/memory/purge") => {
            "HTTP/1.1 303 See Other\r\nlocation: snapshots/7?a=b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        }
        Some("/debug/memory") => PAGE,
        _ => "HTTP/1.1 302 Found\r\nlocation: https://attacker.example/\r\nconnection: close\r\n\r\n",
    });
    let ui = Ui::start(port, &heads);
    let answer = ui.ask("POST", &ui.page("/purge"), "", "");
    assert!(answer.starts_with("HTTP/1.1 303 See Other\r\n"), "{answer}");
    assert!(answer.contains(&format!("location: {}\r\n", ui.page("/snapshots/7?a=b"))), "{answer}");
    let answer = ui.ask("GET", &ui.page("/types"), "", "");
    assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("attacker"), "{answer}");
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_server() {
    let (port, heads) = service(|_| PAGE);
    let mut ui = Ui::start(port, &heads);
    let id = ui.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(ui.child.wait().unwrap().code(), Some(130));
    assert!(TcpStream::connect(&ui.authority).is_err());
}

#[test]
fn service_that_does_not_answer_is_reported_before_anything_is_printed() {
    let words = ["ui", "http://localhost:1"].map(str::to_owned);
    let output = run::command(&words).output().unwrap();
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(1)), "{output:?}");
    let words = ["ui", "http://localhost:1", "--listen", "0.0.0.0:0"].map(str::to_owned);
    assert!(!run::command(&words).output().unwrap().status.success());
}

#[test]
#[cfg(target_os = "linux")]
fn s36_the_browser_gets_the_address_in_a_private_file_that_is_removed() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Opening a named pipe waits for the other end.
    assert!(Command::new("mkfifo").arg(at("said")).status().unwrap().success());
    fs::write(at("xdg-open"), "#!/bin/sh\n{ echo $# \"$1\"; stat -c %a \"$1\"; cat \"$1\"; } > \"$SAID\"\n")
        .unwrap();
    fs::set_permissions(at("xdg-open"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(at("tmp")).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let (port, heads) = service(|_| PAGE);
    let mut ui = Ui::start_with(port, &heads, |command| {
        command.arg("--open").env("PATH", &path).env("SAID", at("said")).env("TMPDIR", at("tmp"))
    });
    let said = fs::read_to_string(at("said")).unwrap();
    let mut lines = said.splitn(3, '\n');
    let argument = lines.next().unwrap();
    assert!(argument.starts_with("1 ") && argument.ends_with(".html"), "{argument}");
    assert!(!argument.contains(&ui.token[1..]), "{argument}");
    assert_eq!(lines.next(), Some("600"));
    assert!(
        lines.next().unwrap().contains(&format!("url=http://{}{}\"", ui.authority, ui.page(""))),
        "{said}"
    );
    assert_eq!(fs::read_dir(at("tmp")).unwrap().count(), 1);
    assert!(Command::new("kill").args(["-INT", &ui.child.id().to_string()]).status().unwrap().success());
    assert_eq!(ui.child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(at("tmp")).unwrap().count(), 0);
}
