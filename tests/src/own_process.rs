//! Tests that need a separate process: for its environment, its executable, or to run alone.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Argument zero of the test process. The test harness accepts only UTF-8 arguments, but the path of an
/// executable can be any bytes.
const ARGUMENT_ZERO: &str = "test";

const IS_CHILD: &str = "MEMORY_DEBUG_TEST_HAS_OWN_PROCESS";

/// One test of this binary in a separate process.
#[derive(Debug)]
pub struct OwnProcess(Command);

impl OwnProcess {
    /// The test with the full name `test`, for example `page::shows_types`.
    pub fn of(test: &str) -> Self {
        Self::with_executable(env::current_exe().unwrap(), test)
    }

    /// The test with the full name `test`, in another build of this binary.
    pub fn with_executable(executable: impl AsRef<Path>, test: &str) -> Self {
        let mut command = Command::new(executable.as_ref());
        command.arg0(ARGUMENT_ZERO);
        command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]);
        command.env(IS_CHILD, "1");
        Self(command)
    }

    /// The same test, started through the dynamic linker, which gets the path as an argument.
    pub fn started_by(linker: &Path, executable: impl AsRef<Path>, test: &str) -> Self {
        let direct = Self::with_executable(linker, test);
        let mut command = Command::new(linker);
        command.args(["--argv0", ARGUMENT_ZERO]).arg(executable.as_ref());
        command.args(direct.0.get_args()).env(IS_CHILD, "1");
        Self(command)
    }

    /// Whether this process was started for a single test.
    pub fn is_this() -> bool {
        env::var_os(IS_CHILD).is_some()
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs the test and returns its output.
    ///
    /// # Panics
    ///
    /// If the test failed or does not exist.
    pub fn run(mut self) -> String {
        let output = self.0.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        let passed = output.status.success() && printed.contains("test result: ok. 1 passed");
        assert!(passed, "{:?}: {}\n{printed}\n{errors}", self.0, output.status);
        printed
    }

    /// Runs `body` alone in a process. The caller is the test named `test`, and this call is its only
    /// statement.
    pub fn run_alone(test: &str, body: impl FnOnce()) {
        if Self::is_this() {
            body();
        } else {
            Self::of(test).run();
        }
    }
}
