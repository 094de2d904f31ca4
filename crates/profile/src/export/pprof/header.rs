//! What a file says besides the profile.

use std::io::BufRead;

use super::decode::unpacked;
use super::options::PprofOptions;
use super::wire::{Field, Fields};
use super::{tag, value};
use crate::error::Error;

impl PprofOptions {
    /// Reads when a profile was taken, how long it covers, and its default value, so that it can be written again.
    /// The comments come with the profile: [`read_pprof`](crate::SymbolizedProfile::read_pprof).
    ///
    /// # Errors
    ///
    /// As `read_pprof`, if the file is not in pprof's format.
    pub fn read(pprof: impl BufRead) -> Result<Self, Error> {
        let message = unpacked(pprof)?;
        let mut options = Self::default();
        let (mut strings, mut first_look) = (Vec::new(), 0);
        for field in Fields::of(&message) {
            match field? {
                (tag::STRING, Field::Bytes(text)) => strings.push(text),
                // Signed numbers are written as unsigned ones.
                (tag::TIME_NANOS, Field::Number(nanos)) => options.time_nanos = nanos as i64,
                (tag::DURATION_NANOS, Field::Number(nanos)) => options.duration_nanos = nanos as i64,
                (tag::DEFAULT_SAMPLE_TYPE, Field::Number(position)) => first_look = position,
                _ => {}
            }
        }
        let first_look = usize::try_from(first_look).ok().and_then(|position| strings.get(position));
        let first_look = first_look.ok_or_else(|| Error::pprof("has no such text as its first type"))?;
        options.prefers_allocated = *first_look == value::ALLOC_SPACE.0.as_bytes();
        Ok(options)
    }
}
