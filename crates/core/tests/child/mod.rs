//! Runs tests in a process of their own, with their own configuration.

use std::process::Command;

/// Runs an ignored test of this binary in a process with this configuration.
pub(crate) fn run(test: &str, malloc_conf: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("_RJEM_MALLOC_CONF", malloc_conf)
        .output()
        .unwrap();
    let output = [child.stdout, child.stderr].map(|output| String::from_utf8_lossy(&output).into_owned());
    assert!(child.status.success() && output[0].contains("1 passed"), "{}\n{}", output[0], output[1]);
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
