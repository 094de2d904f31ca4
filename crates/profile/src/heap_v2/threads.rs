//! The list of threads at the beginning of a dump. Threads can have any name.
//!
//! jemalloc ends a thread's line with the thread's name, unescaped. A name can contain line breaks and so imitate other
//! lines of the dump. But it has at most 15 bytes, as in the kernel. That is too short for a stack with its totals, or
//! for the heading of the mappings. So looking one line ahead distinguishes a line of the dump from a piece of a name.

use std::io::BufRead;

use super::counts::{Counts, parse_counts};
use super::lines::Lines;
use crate::error::Error;
use crate::profile::Thread;

/// Bound on the length of a name, without its NUL byte (`PROF_THREAD_NAME_MAX_LEN` in jemalloc's `prof_types.h`,
/// `TASK_COMM_LEN` in Linux).
const LONGEST_NAME: usize = 15;

/// Reads the threads, and leaves `lines` at the first line after them. Returns `false` if there is no such line.
pub(super) fn read(lines: &mut Lines<impl BufRead>, threads: &mut Vec<Thread>) -> Result<bool, Error> {
    let mut last: Option<Named> = None;
    loop {
        let has_more = lines.advance()?;
        if let Some(Counts { thread: Some(id), name, .. }) = parse_counts(&lines.line) {
            let next = Named { id, name: name.map(<[u8]>::to_owned) };
            threads.extend(last.replace(next).map(Named::finish));
        } else if !has_more
            || begins_stacks(lines)?
            || !last.as_mut().is_some_and(|last| last.continue_with(&lines.line))
        {
            threads.extend(last.map(Named::finish));
            return Ok(has_more);
        }
    }
}

/// Whether the list of threads ends before this line, judged by the next line.
fn begins_stacks(lines: &mut Lines<impl BufRead>) -> Result<bool, Error> {
    let (is_stack, is_empty) = (lines.line.starts_with(b"@"), lines.line.is_empty());
    let next = if is_stack || is_empty { lines.peek()? } else { None };
    Ok(next.is_some_and(|next| {
        let is_total = || matches!(parse_counts(next), Some(Counts { thread: None, .. }));
        (is_stack && is_total()) || (is_empty && next == b"MAPPED_LIBRARIES:")
    }))
}

/// A thread whose name can continue in the next line.
struct Named {
    id: u64,
    name: Option<Vec<u8>>,
}

impl Named {
    /// Takes `line` as the next part of the name, if the name can be that long.
    fn continue_with(&mut self, line: &[u8]) -> bool {
        let Some(name) = self.name.as_mut().filter(|name| name.len() + 1 + line.len() <= LONGEST_NAME) else {
            return false;
        };
        name.push(b'\n');
        name.extend_from_slice(line);
        true
    }

    fn finish(self) -> Thread {
        let name = self.name.map(|name| String::from_utf8_lossy(&name).into_owned());
        Thread { id: self.id, name: name.filter(|name| !name.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::HeapProfile;

    /// A dump as jemalloc writes it, optionally with a stack.
    fn dump(names: &[&[u8]], stack: bool) -> Vec<u8> {
        let mut dump = b"heap_v2/1\n  t*: 2: 16 [0: 0]\n".to_vec();
        for (id, name) in names.iter().enumerate() {
            dump.extend(format!("  t{id}: 1: 8 [0: 0]").bytes());
            if !name.is_empty() {
                dump.push(b' ');
                dump.extend_from_slice(name);
            }
            dump.push(b'\n');
        }
        if stack {
            dump.extend(b"@ 0x1010\n  t*: 2: 16 [0: 0]\n  t0: 2: 16 [0: 0]\n");
        }
        dump.extend(b"\nMAPPED_LIBRARIES:\n1000-2000 r-xp 0 fe:00 9 /srv/app\n");
        dump
    }

    #[track_caller]
    fn assert_read(names: &[&[u8]]) {
        for stack in [true, false] {
            let profile = HeapProfile::parse(&dump(names, stack)[..]).unwrap();
            let read = profile.threads().iter().map(|thread| thread.name.clone().unwrap_or_default());
            let expected = names.iter().map(|name| String::from_utf8_lossy(name));
            assert!(read.eq(expected), "{:?}", profile.threads());
            assert_eq!((profile.stacks().len(), profile.mappings().len()), (stack.into(), 1));
        }
    }

    #[test]
    fn keeps_names_with_line_breaks() {
        for name in [
            &b"a\nb"[..],
            b"\n",
            b"a\n",
            b"\n\n\n",
            b"a\n\nb",
            b"@ 0x1",
            b"a\n@ 0x1",
            b"a\n@",
            b"x\n@ 0x1\n  t*: 1",
            b"a\n  t9: 1: 1",
            b"a\n  t*: 1: 1 [",
            b"\nMAPPED_LIBRAR",
            b"a\n\n\nMAPPED_LI",
            b" a ",
            b"a\rb",
            b"caf\xe9",
            "ü\n\u{202e}".as_bytes(),
            b"tokio-rt-worker",
        ] {
            assert_read(&[name]);
            assert_read(&[name, b"next", name, b"", name]);
        }
    }

    #[test]
    fn thread_without_name_has_no_second_line() {
        let dump = b"heap_v2/1\n  t*: 0: 0 [0: 0]\n  t1: 0: 0 [0: 0]\nnoise\n";
        let error = HeapProfile::parse(&dump[..]).unwrap_err();
        assert!(error.to_string().starts_with("heap dump line 4: expected a stack"), "{error}");
    }

    #[test]
    fn names_are_at_most_as_long_as_the_kernel_allows() {
        let dump = b"heap_v2/1\n  t*: 0: 0 [0: 0]\n  t1: 0: 0 [0: 0] a\nnoise noise noise\n";
        let error = HeapProfile::parse(&dump[..]).unwrap_err();
        assert!(error.to_string().starts_with("heap dump line 4: expected a stack"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn reads_every_possible_thread_name(
            names in proptest::collection::vec("[ -~\n\r\té@]{0,15}", 1..4),
        ) {
            let names: Vec<&[u8]> = names.iter().map(|name| {
                let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 15).last();
                &name.as_bytes()[..end.unwrap_or(0)]
            }).collect();
            assert_read(&names);
        }
    }
}
