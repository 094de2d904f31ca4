//! Tests of a trace that does not end as planned.

use std::process::{Command, Stdio};

use crate::run;
use crate::ui::service;

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";

#[test]
fn ctrl_c_stops_the_tracer_that_the_command_started() {
    for signal in ["-INT", "-TERM"] {
        let (port, asked) = service(|_| OK);
        let words = ["trace", &format!("127.0.0.1:{port}"), "--seconds", "600"].map(str::to_owned);
        let mut command = run::command(&words);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let started = asked.recv().unwrap();
        assert!(started.starts_with("POST /debug/memory/trace?format=json HTTP/1.1\r\n"), "{started}");
        assert!(started.ends_with("{\"seconds\":600}"), "{started}");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        let stopped = asked.recv().unwrap();
        assert!(stopped.starts_with("POST ") && stopped.ends_with("{\"stop\":true}"), "{stopped}");
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = format!(
            "memory-debug: stopped the tracer; http://127.0.0.1:{port}/debug/memory/trace has what it counted\n"
        );
        assert_eq!((output.status.code(), &*said, &*output.stdout), (Some(130), &*expected, &b""[..]));
        assert!(asked.try_recv().is_err(), "nothing else is asked");
    }
}
