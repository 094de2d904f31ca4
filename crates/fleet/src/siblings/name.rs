//! The name of a sibling's socket, which says which process listens there.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::process;

use memory_debug_core::instance_id;

/// The name of a socket, `{pid}-{start}-{id}.sock`: the process id, the start of the process in ticks since the boot (as
/// in `/proc`), and the first eight digits of the instance id. The first two distinguish a process from a later process
/// with the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) pid: u32,
    pub(super) start: u64,
    pub(super) id: String,
}

impl Name {
    /// The name for this process.
    pub(super) fn own() -> Result<Self, String> {
        let pid = process::id();
        let start = start_of(pid).ok_or("/proc does not say when this process started; mount /proc")?;
        Ok(Self { pid, start, id: instance_id().short() })
    }

    /// Parses a name. `None` for any text that [`Display`](fmt::Display) would not have written.
    pub(super) fn parse(name: &OsStr) -> Option<Self> {
        let text = name.to_str()?;
        let mut parts = text.strip_suffix(".sock")?.splitn(3, '-');
        let (pid, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let id = parts.next()?.to_owned();
        let is_id = id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let name = Self { pid, start, id };
        (is_id && name.to_string() == text).then_some(name)
    }

    /// Whether the process of that name is running.
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
    start_in(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)). The name of the process, field 2, is in parentheses and may itself
/// contain any character.
fn start_in(stat: &[u8]) -> Option<u64> {
    let after_name = stat.rsplit(|&byte| byte == b')').next()?;
    let mut fields = std::str::from_utf8(after_name).ok()?.split_ascii_whitespace();
    // The first of these is field 3.
    fields.nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_other_texts_are_refused() {
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
    fn the_start_is_found_whatever_the_process_is_called() {
        for called in ["shop", "", "a b", ") S 1", "(x) 2 (", "\u{fc}\n"] {
            let stat = format!("7 ({called}) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 2200 23 24");
            assert_eq!(start_in(stat.as_bytes()), Some(2200), "{called}");
        }
        for stat in
            ["", "7 (shop", "7 (shop) S 1 5", "7 (shop) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 -1"]
        {
            assert_eq!(start_in(stat.as_bytes()), None, "{stat}");
        }
    }

    #[test]
    fn a_later_process_with_the_same_id_is_another_process() {
        let own = Name::own().unwrap();
        assert!(!Name { start: own.start + 1, ..own }.is_alive());
    }

    #[test]
    fn a_process_that_does_not_exist_is_not_alive() {
        // More than the system counts to.
        assert!(!Name { pid: u32::MAX, start: 0, id: "0123abcd".to_owned() }.is_alive());
    }
}
