//! Runs tests in a process of their own, with their own configuration.

use std::process::Command;

/// Runs an ignored test of this binary in a process with this configuration.
pub(crate) fn run(test: &str, malloc_conf: &str) {
    finish(command(test, malloc_conf));
}

/// An ignored test of this binary, to be run in a process with this configuration.
pub(crate) fn command(test: &str, malloc_conf: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env("_RJEM_MALLOC_CONF", malloc_conf);
    command
}

/// Waits for the process of a test, which must pass.
pub(crate) fn finish(mut command: Command) {
    let child = command.output().unwrap();
    let output = [child.stdout, child.stderr].map(|output| String::from_utf8_lossy(&output).into_owned());
    let passed = child.status.success() && output[0].contains("1 passed");
    assert!(passed, "{}\n{}\n{}", child.status, output[0], output[1]);
}

/// Defines a test that runs in a process of its own.
macro_rules! alone {
    ($($(#[doc = $doc:literal])* $name:ident($conf:expr) $body:block)*) => {
        $(#[test]
        fn $name() {
            child::run(concat!("alone::", stringify!($name)), $conf);
        })*

        mod alone {
            use super::*;

            $($(#[doc = $doc])*
            #[test]
            #[ignore = "run by the test of the same name, in a process of its own"]
            fn $name() $body)*
        }
    };
}
