//! The name of a sibling's socket, which identifies its process.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::process;

use memory_debug_core::__private::start_ticks;
use memory_debug_core::instance_id;

/// The name of a socket, `{pid}-{start}-{id}.sock`.
///
/// It contains the process id, the start of the process in ticks since the boot (as in `/proc`), and the first eight
/// digits of the instance id. The start distinguishes a process from a later process with the same process id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) pid: u32,
    pub(super) start: u64,
    pub(super) id: String,
}

impl Name {
    /// The name for the socket of this process.
    pub(super) fn own() -> Result<Self, String> {
        let pid = process::id();
        let start = start_of(pid).ok_or("the start time of this process is not in /proc; mount /proc")?;
        Ok(Self { pid, start, id: instance_id().short() })
    }

    /// Parses a name. `None` for any text that [`Display`](fmt::Display) does not write.
    pub(super) fn parse(name: &OsStr) -> Option<Self> {
        let text = name.to_str()?;
        let mut parts = text.strip_suffix(".sock")?.splitn(3, '-');
        let (pid, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let id = parts.next()?.to_owned();
        let is_id = id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let name = Self { pid, start, id };
        (is_id && name.to_string() == text).then_some(name)
    }

    /// Whether the process with this name is running.
    pub(super) fn is_alive(&self) -> bool {
        start_of(self.pid) == Some(self.start)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}.sock", self.pid, self.start, self.id)
    }
}

fn start_of(pid: u32) -> Option<u64> {
    start_ticks(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_parses_back_and_other_texts_are_refused() {
        let own = Name::own().unwrap();
        assert_eq!(Name::parse(OsStr::new(&own.to_string())), Some(own.clone()));
        assert!(own.is_alive());
        for text in [
            "",
            ".sock",
            "1-2-3.sock",
            "01-2-0123abcd.sock",
            "+1-2-0123abcd.sock",
            "1-2-0123ABCD.sock",
            "1-2-0123abcd.sock.sock",
            "1-2-0123abcd",
            ".1-2-0123abcd.sock",
            "1-2-0123abc/.sock",
            "99999999999-2-0123abcd.sock",
        ] {
            assert_eq!(Name::parse(OsStr::new(text)), None, "{text}");
        }
    }

    #[test]
    fn a_later_process_with_the_same_id_is_another_process() {
        let own = Name::own().unwrap();
        assert!(!Name { start: own.start + 1, ..own }.is_alive());
    }

    #[test]
    fn a_process_that_does_not_exist_is_not_alive() {
        // A larger id than any process has.
        assert!(!Name { pid: u32::MAX, start: 0, id: "0123abcd".to_owned() }.is_alive());
    }
}
