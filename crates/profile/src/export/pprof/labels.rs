//! Labels of samples, which hold what pprof has no field for.

use memory_debug_formats::profile_proto::{Message, Strings, tag};

use super::label;
use super::options::PprofOptions;
use crate::symbolized::{NamedSample, NamedStack, Owner, Place, SymbolizedProfile};

/// The encoded labels of each owner, place and thread.
pub(super) struct Labels {
    owners: Vec<Vec<u8>>,
    places: Vec<Vec<u8>>,
    threads: Vec<Vec<u8>>,
    /// For stacks with true sizes.
    sizes: Vec<u8>,
    /// Positions of a key and a unit.
    bytes: (u64, u64),
}

impl Labels {
    pub(super) fn of<'a>(
        profile: &'a SymbolizedProfile,
        options: &PprofOptions,
        owners_written: &[bool],
        strings: &mut Strings<'a>,
    ) -> Self {
        let mut owners = Vec::with_capacity(profile.owners.len());
        for (Owner { name, full_type, is_attributed }, is_written) in
            profile.owners.iter().zip(owners_written)
        {
            if !is_written {
                owners.push(Vec::new());
                continue;
            }
            let key = if *is_attributed { label::TYPE } else { label::UNATTRIBUTED };
            let mut labels = Message::default();
            text(&mut labels, strings, key, name);
            if !options.is_lean {
                text(&mut labels, strings, label::FULL_TYPE, full_type);
            }
            owners.push(labels.into_bytes());
        }
        let mut places = Vec::with_capacity(profile.places.len());
        for Place { function, file, line, crate_name } in profile.places.iter().filter(|_| !options.is_lean) {
            let mut labels = Message::default();
            let texts = [(label::FUNCTION, function), (label::FILE, file), (label::CRATE, crate_name)];
            for (key, named) in texts {
                named.iter().for_each(|named| text(&mut labels, strings, key, named));
            }
            if *line > 0 {
                let mut label = Message::default();
                number(&mut label, strings.position(label::LINE), (*line).into(), strings.position(""));
                labels.bytes(tag::sample::LABEL, label.as_bytes());
            }
            places.push(labels.into_bytes());
        }
        let mut threads = Vec::with_capacity(profile.threads.len());
        for name in &profile.threads {
            let mut labels = Message::default();
            text(&mut labels, strings, label::THREAD, name);
            threads.push(labels.into_bytes());
        }
        let mut sizes = Message::default();
        if !options.is_lean && profile.stacks.iter().any(|stack| stack.is_sized) {
            text(&mut sizes, strings, label::SIZES, label::TRUE_SIZES);
        }
        let sizes = sizes.into_bytes();
        let bytes = (strings.position(label::BYTES), strings.position("bytes"));
        Self { owners, places, threads, sizes, bytes }
    }

    /// Writes the labels of a sample. `label` is scratch space.
    pub(super) fn write(
        &self,
        stack: &NamedStack,
        sample: &NamedSample,
        label: &mut Message,
        out: &mut Message,
    ) {
        out.fields(&self.owners[stack.owner as usize]);
        out.fields(self.places.get(stack.place as usize).map_or(&[], Vec::as_slice));
        out.fields(&self.threads[sample.thread as usize]);
        if stack.is_sized {
            out.fields(&self.sizes);
        }
        let live = if sample.live.is_zero() { sample.allocated } else { sample.live };
        let size = live.bytes.checked_div(live.objects).unwrap_or(0).saturating_abs();
        if size > 0 {
            let (key, unit) = self.bytes;
            number(label, key, size, unit);
            out.bytes(tag::sample::LABEL, label.as_bytes());
        }
    }
}

fn text<'a>(labels: &mut Message, strings: &mut Strings<'a>, key: &'a str, text: &'a str) {
    let mut label = Message::default();
    label.number(tag::label::KEY, strings.position(key));
    label.number(tag::label::STR, strings.position(text));
    labels.bytes(tag::sample::LABEL, label.as_bytes());
}

fn number(label: &mut Message, key: u64, number: i64, unit: u64) {
    label.clear();
    label.number(tag::label::KEY, key);
    label.number(tag::label::NUM, number.cast_unsigned());
    label.number(tag::label::NUM_UNIT, unit);
}
