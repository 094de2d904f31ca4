//! Writes the samples.

use std::io::{self, BufWriter, Write};

use memory_debug_core::__private::LiveStream;
use memory_debug_profile::LiveSample;

use super::{MAGIC, MAX_BYTES};

/// The buffer, the only memory that is taken.
const BUFFER_BYTES: usize = 8 << 10;

/// A file that is being written.
pub(crate) struct SamplesWriter<W: Write> {
    out: BufWriter<Summed<W>>,
}

impl<W: Write> SamplesWriter<W> {
    /// Begins a file with the samples right before the dump.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or is longer than [`MAX_BYTES`]. So are the errors of [`finish`](Self::finish).
    pub(crate) fn begin(file: W, before: LiveStream<impl Iterator<Item = LiveSample>>) -> io::Result<Self> {
        let summed = Summed { file, hasher: crc32fast::Hasher::new(), room: MAX_BYTES };
        let mut writer = Self { out: BufWriter::with_capacity(BUFFER_BYTES, summed) };
        writeln!(writer.out, "{MAGIC}\nbefore")?;
        writer.samples(before.samples)?;
        Ok(writer)
    }

    /// Adds the samples right after the dump of `dump_bytes`, and the names of labels from 0 on.
    ///
    /// # Errors
    ///
    /// As for [`begin`](Self::begin).
    pub(crate) fn finish(
        mut self,
        dump_bytes: u64,
        after: LiveStream<impl Iterator<Item = LiveSample>>,
        labels: impl Iterator<Item = String>,
    ) -> io::Result<W> {
        writeln!(self.out, "after {} {}", after.recorded.as_millis(), after.dropped)?;
        self.samples(after.samples)?;
        for label in labels {
            // A name with a line feed would end the line.
            writeln!(self.out, "label {}", memory_debug_formats::printable(&label))?;
        }
        self.out.flush()?;
        let sum = self.out.get_ref().hasher.clone().finalize();
        writeln!(self.out, "end {dump_bytes} {sum:08x}")?;
        self.out.into_inner().map(|summed| summed.file).map_err(io::IntoInnerError::into_error)
    }

    fn samples(&mut self, samples: impl Iterator<Item = LiveSample>) -> io::Result<()> {
        for sample in samples {
            let LiveSample { sequence, requested, usable, stack, age, label, .. } = sample;
            let (stack, age) = (stack.0, age.as_millis());
            writeln!(self.out, "{sequence} {requested} {usable} {stack:x} {age} {label}")?;
        }
        Ok(())
    }
}

/// Passes bytes on, sums them up, and refuses more than there is room for.
struct Summed<W> {
    file: W,
    hasher: crc32fast::Hasher,
    room: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        let room = self.room.checked_sub(written as u64);
        self.room = room.ok_or_else(|| {
            io::Error::other(format!("there are more live samples than fit into {} MiB", MAX_BYTES >> 20))
        })?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
