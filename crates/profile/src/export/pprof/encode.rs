//! The writer of pprof's format.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use memory_debug_formats::printable;
use memory_debug_formats::profile_proto::{Message, Strings, tag};

use super::conventions::{LARGE_BELOW, MAPPING_SPACING, PROGRAM_MAPPINGS};
use super::labels::Labels;
use super::options::{PprofOptions, PprofSymbols};
use super::selection::{Rest, Selection};
use super::value;
use crate::amount::{Amount, Magnitude};
use crate::symbolized::{Location, NamedFunction, NamedMapping, ProfileKind, SymbolizedProfile};

impl SymbolizedProfile {
    /// Writes the profile in pprof's format, compressed with gzip.
    ///
    /// # Errors
    ///
    /// Errors of `out`, and [`io::ErrorKind::InvalidInput`] if the numbers add up to more than 2⁶⁰, which the reader
    /// would refuse.
    pub fn write_pprof(&self, options: &PprofOptions, out: impl Write) -> io::Result<()> {
        // The lowest level is twice as fast as the default, and its output a tenth larger.
        let mut out = GzEncoder::new(out, Compression::fast());
        self.write_message(options, &mut out)?;
        out.finish().map(drop)
    }

    /// The message without gzip.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn pprof_message(&self, options: &PprofOptions) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        self.write_message(options, &mut message)?;
        Ok(message)
    }

    fn write_message(&self, options: &PprofOptions, out: &mut impl Write) -> io::Result<()> {
        let mut magnitude = Magnitude::default();
        self.samples.iter().for_each(|sample| magnitude.add(sample.live, sample.allocated));
        if magnitude.is_too_large() {
            let reason = format!("the numbers of the profile add up to more than {}", Magnitude::MAX);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let build_id = |mapping: &NamedMapping| mapping.build_id.as_ref().map(ToString::to_string);
        let build_ids: Vec<String> =
            self.mappings.iter().map(|mapping| build_id(mapping).unwrap_or_default()).collect();
        let is_own =
            |comment: &str| [PROGRAM_MAPPINGS, LARGE_BELOW].iter().any(|own| comment.starts_with(own));
        let comments = options.comments.iter().filter(|comment| !is_own(comment)).cloned();
        let large_below = (self.large_below > 0).then(|| format!("{LARGE_BELOW}{}", self.large_below));
        let comments: Vec<String> = comments.chain(program_mappings(self)).chain(large_below).collect();
        let (part, inner) = Default::default();
        let selection = &Selection::of(self, options);
        let encoder = Encoder { profile: self, selection, options, strings: Strings::new(), part, inner };
        encoder.encode(&build_ids, &comments, out)
    }
}

/// Bytes compressed at a time. A whole profile has some megabytes.
const CHUNK: usize = 32 << 10;

struct Encoder<'a> {
    profile: &'a SymbolizedProfile,
    selection: &'a Selection,
    options: &'a PprofOptions,
    strings: Strings<'a>,
    /// The message of a table and a message inside it, while they are written.
    part: Message,
    inner: Message,
}

impl<'a> Encoder<'a> {
    fn encode(
        mut self,
        build_ids: &'a [String],
        comments: &'a [String],
        sink: &mut impl Write,
    ) -> io::Result<()> {
        let (profile, selection, options) = (self.profile, self.selection, self.options);
        let (mut out, mut tables, mut end) = (Message::default(), Message::default(), Message::default());
        let types = value::of_kind(profile.kind);
        types.iter().for_each(|names| self.value_type(tag::SAMPLE_TYPE, *names, &mut out));
        end.number(tag::TIME_NANOS, options.time_nanos.cast_unsigned());
        end.number(tag::DURATION_NANOS, options.duration_nanos.cast_unsigned());
        self.value_type(tag::PERIOD_TYPE, ("space", "bytes"), &mut end);
        end.number(tag::PERIOD, profile.sample_rate.bytes().min(i64::MAX as u64));
        let comments: Vec<u64> = comments.iter().map(|text| self.strings.position(text)).collect();
        end.numbers(tag::COMMENT, comments, &mut Vec::new());
        let (default, _) = value::first_look(profile.kind, options.prefers_allocated);
        end.number(tag::DEFAULT_SAMPLE_TYPE, self.strings.position(default));

        for ((at, mapping), build_id) in (0..).zip(&profile.mappings).zip(build_ids) {
            self.mapping(at, mapping, build_id, &mut tables);
        }
        let of_location = (1..).zip(&profile.locations).zip(&selection.locations);
        for ((id, location), _) in of_location.filter(|(_, is_kept)| **is_kept) {
            self.location(id, location, &mut tables);
        }
        let has_functions = options.symbols != PprofSymbols::None;
        let of_function = (1..).zip(&profile.functions).zip(&selection.functions);
        for ((id, function), _) in of_function.filter(|(_, is_kept)| has_functions && **is_kept) {
            self.function(id, function, &mut tables);
        }
        let labels = Labels::of(profile, options, &selection.owners, &mut self.strings);
        self.samples(&labels, &mut out, sink)?;
        selection.rest.iter().for_each(|rest| self.rest(rest, &mut out, &mut tables));
        out.write_to(sink)?;
        tables.write_to(sink)?;
        for text in self.strings.table() {
            // `go tool pprof` prints names without escaping them.
            out.bytes(tag::STRING, printable(text).as_bytes());
            out.write_from(CHUNK, sink)?;
        }
        out.write_to(sink)?;
        end.write_to(sink)
    }

    fn value_type(&mut self, tag: u64, (name, unit): (&'a str, &'a str), out: &mut Message) {
        self.part.clear();
        self.part.number(tag::value_type::TYPE, self.strings.position(name));
        self.part.number(tag::value_type::UNIT, self.strings.position(unit));
        out.bytes(tag, self.part.as_bytes());
    }

    fn mapping(&mut self, at: u32, mapping: &'a NamedMapping, build_id: &'a str, out: &mut Message) {
        let start = first_address(at).saturating_add(mapping.file_offset);
        // A reader that finds functions does not look for symbols of its own.
        let has_functions = u64::from(self.options.symbols != PprofSymbols::None);
        let Self { part, strings, .. } = self;
        part.clear();
        part.number(tag::mapping::ID, u64::from(at) + 1);
        part.number(tag::mapping::MEMORY_START, start);
        part.number(tag::mapping::MEMORY_LIMIT, start.saturating_add(mapping.length));
        part.number(tag::mapping::FILE_OFFSET, mapping.file_offset);
        part.number(tag::mapping::FILENAME, strings.position(&mapping.file));
        part.number(tag::mapping::BUILD_ID, strings.position(build_id));
        [tag::mapping::HAS_FUNCTIONS, tag::mapping::HAS_FILENAMES, tag::mapping::HAS_LINE_NUMBERS]
            .into_iter()
            .for_each(|tag| part.number(tag, has_functions));
        part.number(
            tag::mapping::HAS_INLINE_FRAMES,
            u64::from(self.options.symbols == PprofSymbols::Inlined),
        );
        out.bytes(tag::MAPPING, part.as_bytes());
    }

    fn location(&mut self, id: u64, location: &Location, out: &mut Message) {
        let lines = match self.options.symbols {
            PprofSymbols::Inlined => &location.lines[..],
            // The last function is the one that the others were inlined into.
            PprofSymbols::Functions => &location.lines[location.lines.len().saturating_sub(1)..],
            PprofSymbols::None => &[],
        };
        let Self { part, inner, .. } = self;
        part.clear();
        part.number(tag::location::ID, id);
        part.number(tag::location::MAPPING_ID, location.mapping.map_or(0, |mapping| u64::from(mapping) + 1));
        part.number(
            tag::location::ADDRESS,
            location.mapping.map_or(0, first_address).saturating_add(location.address),
        );
        for line in lines {
            inner.clear();
            inner.number(tag::line::FUNCTION_ID, u64::from(line.function) + 1);
            inner.number(tag::line::LINE, line.line.into());
            part.bytes(tag::location::LINE, inner.as_bytes());
        }
        out.bytes(tag::LOCATION, part.as_bytes());
    }

    fn function(&mut self, id: u64, function: &'a NamedFunction, out: &mut Message) {
        let Self { part, strings, .. } = self;
        part.clear();
        part.number(tag::function::ID, id);
        part.number(tag::function::NAME, strings.position(&function.name));
        part.number(tag::function::SYSTEM_NAME, strings.position(&function.system_name));
        part.number(tag::function::FILENAME, strings.position(function.file.as_deref().unwrap_or_default()));
        out.bytes(tag::FUNCTION, part.as_bytes());
    }

    fn samples(&mut self, labels: &Labels, out: &mut Message, sink: &mut impl Write) -> io::Result<()> {
        let Self { profile, part, inner, .. } = self;
        let (mut locations, mut packed) = (Message::default(), Vec::new());
        let stacks = profile.stacks.iter().zip(&self.selection.stacks);
        for (stack, _) in stacks.filter(|(_, is_kept)| **is_kept) {
            locations.clear();
            let ids = profile.location_handles(stack).iter().map(|location| u64::from(*location) + 1);
            locations.numbers(tag::sample::LOCATION_ID, ids, &mut packed);
            for sample in profile.samples_of(stack) {
                part.clear();
                part.fields(locations.as_bytes());
                values(profile.kind, sample.live, sample.allocated, part, &mut packed);
                labels.write(stack, sample, inner, part);
                out.bytes(tag::SAMPLE, part.as_bytes());
            }
            out.write_from(CHUNK, sink)?;
        }
        Ok(())
    }

    /// Writes the sum of the stacks that are left out, as a sample with its own location and function.
    fn rest(&mut self, rest: &'a Rest, out: &mut Message, tables: &mut Message) {
        let (location, function) =
            (self.profile.locations.len() as u64 + 1, self.profile.functions.len() as u64 + 1);
        let name = self.strings.position(&rest.name);
        let Self { profile, part, inner, .. } = self;
        part.clear();
        part.number(tag::function::ID, function);
        part.number(tag::function::NAME, name);
        tables.bytes(tag::FUNCTION, part.as_bytes());
        inner.clear();
        inner.number(tag::line::FUNCTION_ID, function);
        part.clear();
        part.number(tag::location::ID, location);
        part.bytes(tag::location::LINE, inner.as_bytes());
        tables.bytes(tag::LOCATION, part.as_bytes());
        let mut packed = Vec::new();
        part.clear();
        part.numbers(tag::sample::LOCATION_ID, [location], &mut packed);
        values(profile.kind, rest.live, rest.allocated, part, &mut packed);
        out.bytes(tag::SAMPLE, part.as_bytes());
    }
}

/// The values of a sample.
fn values(kind: ProfileKind, live: Amount, allocated: Amount, out: &mut Message, packed: &mut Vec<u8>) {
    let values = [allocated.objects, allocated.bytes, live.objects, live.bytes];
    // Only one kind of profile knows the total allocations.
    let values = &values[values.len() - value::of_kind(kind).len()..];
    out.numbers(tag::sample::VALUE, values.iter().map(|value| value.cast_unsigned()), packed);
}

/// The comment with the number of the program's own mappings, which come first. `None` if no comment is needed.
fn program_mappings(profile: &SymbolizedProfile) -> Option<String> {
    let first = profile.mappings.first()?;
    let shows = |mapping: &NamedMapping| {
        let is_first = (&mapping.file, &mapping.build_id) == (&first.file, &first.build_id);
        is_first != mapping.is_library
    };
    let own = profile.mappings.iter().take_while(|mapping| !mapping.is_library).count();
    (!profile.mappings.iter().all(shows)).then(|| format!("{PROGRAM_MAPPINGS}{own}"))
}

fn first_address(mapping: u32) -> u64 {
    u64::from(mapping).saturating_mul(MAPPING_SPACING)
}
