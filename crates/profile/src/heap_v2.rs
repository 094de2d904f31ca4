//! jemalloc's heap dump, format `heap_v2` (`prof_dump_impl` in jemalloc's `src/prof_data.c`, read by `jeprof`).
//!
//! ```text
//! heap_v2/524288
//!   t*: 3: 6688 [0: 0]              all threads together: live objects, live bytes [accumulated]
//!   t0: 3: 6688 [0: 0] main         one line per thread, with its name at the end if it has one
//! @ 0x55e486c2ba33 0x55e486c2c0dd   one stack, innermost return address first
//!   t*: 3: 6688 [0: 0]
//!   t0: 3: 6688 [0: 0]
//!
//! MAPPED_LIBRARIES:
//! 55e486b64000-55e486cc1000 r-xp …  /proc/self/maps
//! ```

mod counts;
mod lines;
mod threads;

use std::io::BufRead;

use crate::error::Error;
use crate::mapping::{Mapping, guess_program};
use crate::number::{decimal, leading_hexadecimal};
use crate::profile::{HeapProfile, StackRecord, ThreadSample};
use crate::sample::{Sample, SampleRate};
use counts::{Counts, parse_counts};
use lines::Lines;

/// Bytes of one address in the dump of a position-independent program: ` 0x55e486c2ba33`.
const BYTES_OF_AN_ADDRESS: u64 = 15;

/// Bytes of a stack of four such addresses. Stacks are rarely shorter.
const BYTES_OF_A_STACK: u64 = 100;

impl HeapProfile {
    /// Reads a dump written by jemalloc's `prof.dump`, line by line. A dump does not say which file is the program, so
    /// the file with the lowest mapping is assumed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::HeapDump`](crate::ErrorKind::HeapDump) with the line number if the dump is malformed or ends too
    /// early. A truncated dump is never read as a small one. [`ErrorKind::Io`](crate::ErrorKind::Io) if reading fails.
    pub fn parse(dump: impl BufRead) -> Result<Self, Error> {
        let mut lines = Lines::new(dump);
        let mut profile = Self::parse_stacks(&mut lines, 0)?;
        if lines.line.is_empty() {
            return Err(lines.at_end("a stack `@ …` or MAPPED_LIBRARIES"));
        }
        profile.parse_mappings(&mut lines)?;
        Ok(profile)
    }

    /// Reads the stacks of a dump of about `bytes` bytes. `mappings` are the mappings of the process at that moment,
    /// in ascending order.
    ///
    /// jemalloc appends `/proc/<getpid()>/maps` to its dumps. If `/proc` belongs to another PID namespace, this part
    /// is missing or describes another process. So it is not read here, and the caller must know that the dump is
    /// complete. The tables are allocated once; pages that turn out unnecessary are never touched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::HeapDump`](crate::ErrorKind::HeapDump) with the line number if the dump is malformed, and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if reading fails.
    pub fn parse_with_mappings(
        dump: impl BufRead,
        bytes: u64,
        mappings: Vec<Mapping>,
    ) -> Result<Self, Error> {
        let mut lines = Lines::new(dump);
        Ok(Self { mappings, ..Self::parse_stacks(&mut lines, bytes)? })
    }

    /// Reads up to and including the line that ends the stacks. At the end of the dump, the current line is empty.
    fn parse_stacks(lines: &mut Lines<impl BufRead>, bytes: u64) -> Result<Self, Error> {
        let most = |each: u64| usize::try_from(bytes / each).unwrap_or(0);
        lines.required("`heap_v2/` and the sampling interval")?;
        let rate = lines.text().strip_prefix("heap_v2/").and_then(decimal);
        let Some(rate @ 1..) = rate else {
            return Err(lines.expected("`heap_v2/` and the sampling interval"));
        };
        let mut profile = Self {
            large_objects: None,
            joined: None,
            sample_rate: SampleRate::from_bytes(rate),
            total: Sample::default(),
            stacks: Vec::with_capacity(most(BYTES_OF_A_STACK)),
            addresses: Vec::with_capacity(most(BYTES_OF_AN_ADDRESS)),
            thread_samples: Vec::with_capacity(most(BYTES_OF_A_STACK)),
            threads: Vec::new(),
            mappings: Vec::new(),
        };
        lines.required("the totals `t*: …`")?;
        let Some(Counts { thread: None, live, .. }) = parse_counts(&lines.line) else {
            return Err(lines.expected("the totals `t*: …`"));
        };
        profile.total = live;
        let mut goes_on = threads::read(lines, &mut profile.threads)?;
        while goes_on {
            if lines.line.starts_with(b"@") {
                profile.open_stack(lines)?;
            } else if lines.line == b"MAPPED_LIBRARIES:" {
                break;
            } else if let Some(Counts { thread: Some(thread), live, .. }) = parse_counts(&lines.line) {
                profile.add_thread_sample(ThreadSample { thread, live }, lines)?;
            } else if !lines.line.is_empty() {
                return Err(lines.expected("a stack `@ …`, counts `tN: …` or MAPPED_LIBRARIES"));
            }
            goes_on = lines.advance()?;
        }
        profile.stacks.shrink_to_fit();
        profile.addresses.shrink_to_fit();
        profile.thread_samples.shrink_to_fit();
        Ok(profile)
    }

    /// Reads the line that begins with `@`, and the next line.
    fn open_stack(&mut self, lines: &mut Lines<impl BufRead>) -> Result<(), Error> {
        let first = self.addresses.len();
        let mut rest = lines.line[1..].trim_ascii_start();
        while !rest.is_empty() {
            let number = rest.strip_prefix(b"0x").and_then(leading_hexadecimal);
            let ends = |(_, rest): &(u64, &[u8])| rest.first().is_none_or(u8::is_ascii_whitespace);
            let (address, behind) = number.filter(ends).ok_or_else(|| lines.expected("addresses `0x…`"))?;
            self.addresses.push(address);
            rest = behind.trim_ascii_start();
        }
        lines.required("the stack's totals `t*: …`")?;
        let Some(Counts { thread: None, live, accumulated, .. }) = parse_counts(&lines.line) else {
            return Err(lines.expected("the stack's totals `t*: …`"));
        };
        let threads = index(self.thread_samples.len(), lines)?;
        self.stacks.push(StackRecord {
            addresses: index(first, lines)?..index(self.addresses.len(), lines)?,
            threads: threads..threads,
            live,
            accumulated,
        });
        Ok(())
    }

    /// Adds a line `tN: …` to the last stack.
    fn add_thread_sample(&mut self, sample: ThreadSample, lines: &Lines<impl BufRead>) -> Result<(), Error> {
        let Some(stack) = self.stacks.last_mut() else {
            return Err(lines.expected("a stack `@ …` or MAPPED_LIBRARIES"));
        };
        self.thread_samples.push(sample);
        stack.threads.end = index(self.thread_samples.len(), lines)?;
        Ok(())
    }

    fn parse_mappings(&mut self, lines: &mut Lines<impl BufRead>) -> Result<(), Error> {
        while lines.advance()? {
            match Mapping::parse(&lines.line) {
                Ok(mapping) => self.mappings.extend(mapping),
                Err(expected) => return Err(lines.expected(expected)),
            }
        }
        self.mappings.sort_by_key(|mapping| mapping.start);
        guess_program(&mut self.mappings);
        Ok(())
    }
}

fn index(position: usize, lines: &Lines<impl BufRead>) -> Result<u32, Error> {
    u32::try_from(position).map_err(|_| lines.expected("fewer than 2^32 addresses"))
}

#[cfg(test)]
mod tests;
