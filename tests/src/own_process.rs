//! Tests that need a process of their own: an environment, an executable, or nobody else around.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The test harness takes only text for its arguments, also for the first, and a path need not be text.
const ARGUMENT_ZERO: &str = "test";

const IS_CHILD: &str = "MEMORY_DEBUG_TEST_HAS_OWN_PROCESS";

/// One test of this binary in a process of its own.
#[derive(Debug)]
pub struct OwnProcess(Command);

impl OwnProcess {
    /// The test with the full name `test` (`page::shows_types`).
    pub fn of(test: &str) -> Self {
        Self::with_executable(env::current_exe().unwrap(), test)
    }

    /// The test with the full name `test` of another build of this binary.
    pub fn with_executable(executable: impl AsRef<Path>, test: &str) -> Self {
        let mut command = Command::new(executable.as_ref());
        command.arg0(ARGUMENT_ZERO);
        command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]);
        command.env(IS_CHILD, "1");
        Self(command)
    }

    /// The same, started by the dynamic linker, which is given the path.
    pub fn started_by(linker: &Path, executable: impl AsRef<Path>, test: &str) -> Self {
        let direct = Self::with_executable(linker, test);
        let mut command = Command::new(linker);
        command.args(["--argv0", ARGUMENT_ZERO]).arg(executable.as_ref());
        command.args(direct.0.get_args()).env(IS_CHILD, "1");
        Self(command)
    }

    /// Whether this is such a process.
    pub fn is_this() -> bool {
        env::var_os(IS_CHILD).is_some()
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it and returns what it printed.
    ///
    /// # Panics
    ///
    /// If the test failed or there is none of that name.
    pub fn run(mut self) -> String {
        let output = self.0.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        let passed = output.status.success() && printed.contains("test result: ok. 1 passed");
        assert!(passed, "{:?}: {}\n{printed}\n{errors}", self.0, output.status);
        printed
    }

    /// Runs the body of `test` alone in a process: the caller is that test, and this is its only statement.
    pub fn run_alone(test: &str, body: impl FnOnce()) {
        if Self::is_this() {
            body();
        } else {
            Self::of(test).run();
        }
    }
}
