//! Writing.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use rustc_hash::FxHashMap;

use super::proto::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};
use super::{MAPPING_SPACING, PROGRAM_MAPPINGS, PprofOptions, PprofSymbols, label, value};
use crate::symbolized::{self, Magnitude, NamedSample, NamedStack, ProfileKind, SymbolizedProfile};

impl SymbolizedProfile {
    /// Writes the profile in pprof's format, compressed with gzip.
    ///
    /// # Errors
    ///
    /// Those of `out`, and [`io::ErrorKind::InvalidInput`] if its numbers add up to more than 2⁶⁰, which would not be
    /// read back.
    pub fn write_pprof(&self, options: &PprofOptions, out: impl Write) -> io::Result<()> {
        // The lowest level: twice as fast as the default, and a tenth larger.
        let mut out = GzEncoder::new(out, Compression::fast());
        out.write_all(&self.pprof_message(options)?)?;
        out.finish().map(drop)
    }

    /// The same without gzip.
    pub(crate) fn pprof_message(&self, options: &PprofOptions) -> io::Result<Vec<u8>> {
        let mut magnitude = Magnitude::default();
        self.samples.iter().for_each(|sample| magnitude.add(sample));
        if magnitude.is_too_large() {
            let reason = format!("the numbers of the profile add up to more than {}", Magnitude::MAX);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let encoder = Encoder { profile: self, options, strings: Strings::new() };
        Ok(encoder.encode().encode_to_vec())
    }
}

struct Encoder<'a> {
    profile: &'a SymbolizedProfile,
    options: &'a PprofOptions,
    strings: Strings,
}

/// The string table. The first string is empty and stands for none.
struct Strings {
    table: Vec<String>,
    positions: FxHashMap<String, i64>,
}

impl Strings {
    fn new() -> Self {
        Self { table: vec![String::new()], positions: FxHashMap::from_iter([(String::new(), 0)]) }
    }

    fn position(&mut self, text: &str) -> i64 {
        if let Some(position) = self.positions.get(text) {
            return *position;
        }
        let position = as_i64(self.table.len());
        self.table.push(text.to_owned());
        self.positions.insert(text.to_owned(), position);
        position
    }

    fn label(&mut self, key: &str, text: &str) -> Label {
        Label { key: self.position(key), str: self.position(text), ..Label::default() }
    }

    fn number(&mut self, key: &str, number: i64, unit: &str) -> Label {
        let num_unit = self.position(unit);
        Label { key: self.position(key), num: number, num_unit, ..Label::default() }
    }
}

impl Encoder<'_> {
    fn encode(mut self) -> Profile {
        let (profile, options) = (self.profile, self.options);
        let types = value::of_kind(profile.kind);
        let sample_type: Vec<ValueType> = types.iter().map(|names| self.value_type(*names)).collect();
        let (default, _) = value::first_look(profile.kind, options.prefers_allocated);
        let default_sample_type = self.strings.position(default);
        let period_type = Some(self.value_type(("space", "bytes")));
        let comments = options.comments.iter().filter(|comment| !comment.starts_with(PROGRAM_MAPPINGS));
        let comments = comments.cloned().chain(program_mappings(profile));
        let comment = comments.map(|text| self.strings.position(&text)).collect();
        let mapping = (0..).zip(&profile.mappings).map(|(at, mapping)| self.mapping(at, mapping)).collect();
        let location =
            (1..).zip(&profile.locations).map(|(id, location)| self.location(id, location)).collect();
        let functions = (1..).zip(&profile.functions).filter(|_| options.symbols != PprofSymbols::None);
        let function = functions.map(|(id, function)| self.function(id, function)).collect();
        let labels = Labels::of(profile, options, &mut self.strings);
        let mut sample = Vec::with_capacity(profile.samples.len());
        for stack in &profile.stacks {
            let location_id: Vec<u64> =
                profile.location_handles(stack).iter().map(|location| u64::from(*location) + 1).collect();
            for amounts in profile.samples_of(stack) {
                let (location_id, value) = (location_id.clone(), values(profile.kind, amounts));
                sample.push(Sample { location_id, value, label: labels.of_sample(stack, amounts) });
            }
        }
        Profile {
            default_sample_type,
            sample_type,
            sample,
            mapping,
            location,
            function,
            time_nanos: options.time_nanos,
            duration_nanos: options.duration_nanos,
            period_type,
            period: i64::try_from(profile.sample_rate.bytes()).unwrap_or(i64::MAX),
            comment,
            string_table: self.strings.table,
        }
    }

    fn value_type(&mut self, (name, unit): (&str, &str)) -> ValueType {
        ValueType { r#type: self.strings.position(name), unit: self.strings.position(unit) }
    }

    fn mapping(&mut self, at: u32, mapping: &symbolized::NamedMapping) -> Mapping {
        let memory_start = first_address(at).saturating_add(mapping.file_offset);
        // Whoever finds functions does not look for symbols of its own.
        let has_functions = self.options.symbols != PprofSymbols::None;
        let build_id = mapping.build_id.as_ref().map(ToString::to_string).unwrap_or_default();
        Mapping {
            id: u64::from(at) + 1,
            memory_start,
            memory_limit: memory_start.saturating_add(mapping.length),
            file_offset: mapping.file_offset,
            filename: self.strings.position(&mapping.file),
            build_id: self.strings.position(&build_id),
            has_functions,
            has_filenames: has_functions,
            has_line_numbers: has_functions,
            has_inline_frames: self.options.symbols == PprofSymbols::Inlined,
        }
    }

    fn location(&mut self, id: u64, location: &symbolized::Location) -> Location {
        let lines = match self.options.symbols {
            PprofSymbols::Inlined => &location.lines[..],
            // The last is the function that the others were inlined into.
            PprofSymbols::Functions => &location.lines[location.lines.len().saturating_sub(1)..],
            PprofSymbols::None => &[],
        };
        let line = |line: &symbolized::Line| Line {
            function_id: u64::from(line.function) + 1,
            line: line.line.into(),
        };
        Location {
            id,
            mapping_id: location.mapping.map_or(0, |mapping| u64::from(mapping) + 1),
            address: location.mapping.map_or(0, first_address).saturating_add(location.address),
            line: lines.iter().map(line).collect(),
        }
    }

    fn function(&mut self, id: u64, function: &symbolized::NamedFunction) -> Function {
        Function {
            id,
            name: self.strings.position(&function.name),
            system_name: self.strings.position(&function.system_name),
            filename: self.strings.position(function.file.as_deref().unwrap_or_default()),
        }
    }
}

/// The labels of each owner, place and thread.
struct Labels {
    owners: Vec<Vec<Label>>,
    places: Vec<Vec<Label>>,
    threads: Vec<Label>,
    /// Without a number.
    bytes: Label,
}

impl Labels {
    fn of(profile: &SymbolizedProfile, options: &PprofOptions, strings: &mut Strings) -> Self {
        let owner = |owner: &symbolized::Owner| {
            let key = if owner.is_attributed { label::TYPE } else { label::UNATTRIBUTED };
            let mut labels = vec![strings.label(key, &owner.name)];
            if !options.is_lean {
                labels.push(strings.label(label::FULL_TYPE, &owner.full_type));
            }
            labels
        };
        let owners = profile.owners.iter().map(owner).collect();
        let place = |place: &symbolized::Place| {
            let texts = [
                (label::FUNCTION, &place.function),
                (label::FILE, &place.file),
                (label::CRATE, &place.crate_name),
            ];
            let texts = texts.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?)));
            let mut labels: Vec<Label> = texts.map(|(key, text)| strings.label(key, text)).collect();
            if place.line > 0 {
                labels.push(strings.number(label::LINE, place.line.into(), ""));
            }
            labels
        };
        let places = profile.places.iter().filter(|_| !options.is_lean).map(place).collect();
        let threads = profile.threads.iter().map(|name| strings.label(label::THREAD, name)).collect();
        Self { owners, places, threads, bytes: strings.number(label::BYTES, 0, "bytes") }
    }

    fn of_sample(&self, stack: &NamedStack, sample: &NamedSample) -> Vec<Label> {
        let mut labels = self.owners[stack.owner as usize].clone();
        labels.extend(self.places.get(stack.place as usize).into_iter().flatten());
        labels.push(self.threads[sample.thread as usize]);
        let live = if sample.live.is_zero() { sample.allocated } else { sample.live };
        let size = live.bytes.checked_div(live.objects).unwrap_or(0).saturating_abs();
        labels.extend((size > 0).then_some(Label { num: size, ..self.bytes }));
        labels
    }
}

fn values(kind: ProfileKind, NamedSample { live, allocated, .. }: &NamedSample) -> Vec<i64> {
    match kind {
        ProfileKind::LiveAndAllocated => vec![allocated.objects, allocated.bytes, live.objects, live.bytes],
        ProfileKind::Live | ProfileKind::Growth => vec![live.objects, live.bytes],
    }
}

/// What has to be said of the program's own mappings, which are the first.
fn program_mappings(profile: &SymbolizedProfile) -> Option<String> {
    let first = profile.mappings.first()?;
    let shows = |mapping: &symbolized::NamedMapping| {
        let is_first = (&mapping.file, &mapping.build_id) == (&first.file, &first.build_id);
        is_first != mapping.is_library
    };
    let own = profile.mappings.iter().take_while(|mapping| !mapping.is_library).count();
    (!profile.mappings.iter().all(shows)).then(|| format!("{PROGRAM_MAPPINGS}{own}"))
}

fn first_address(mapping: u32) -> u64 {
    u64::from(mapping).saturating_mul(MAPPING_SPACING)
}

fn as_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
