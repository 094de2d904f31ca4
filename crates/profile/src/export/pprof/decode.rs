//! The reader of pprof's format. It reads profiles of this version and of earlier versions, and rejects damaged
//! profiles.

use std::io::{BufRead, Read};
use std::str::FromStr;
use std::sync::Arc;

use flate2::bufread::GzDecoder;
use memory_debug_formats::profile_proto::tag;
use rustc_hash::FxHashMap;

use super::conventions::{LARGE_BELOW, MAPPING_SPACING, PROGRAM_MAPPINGS};
use super::messages::{Sample, amounts, dangling, read_location};
use super::wire::{Field, Fields, Numbers};
use super::{label, value};
use crate::amount::Magnitude;
use crate::build_id::BuildId;
use crate::error::{Error, ErrorKind};
use crate::sample::SampleRate;
use crate::symbolized::{
    Builder, NamedFunction, NamedMapping, NamedSample, Owner, Place, ProfileKind, SymbolizedProfile,
};

/// Bound on the uncompressed length. A profile of 100,000 stacks has 20 MB.
const MAX_BYTES: u64 = 64 << 20;

/// Bound on the number of samples, locations, functions, mappings, texts and comments, each.
const MAX_ENTRIES: usize = 1 << 20;

impl SymbolizedProfile {
    /// Reads a profile written by [`write_pprof`](Self::write_pprof), and its comments. Parts that the options left
    /// out are missing.
    ///
    /// Reads at most 64 MiB uncompressed and a million samples, so that a small malicious file cannot become large.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Pprof`] if the file is not a heap profile in pprof's format, is damaged, truncated or too long,
    /// or if its numbers add up to more than 2⁶⁰. [`ErrorKind::Io`] if reading fails.
    pub fn read_pprof(pprof: impl BufRead) -> Result<(Self, Vec<String>), Error> {
        Self::read_pprof_message(&unpacked(pprof)?)
    }

    /// Reads a profile that is not compressed.
    pub(crate) fn read_pprof_message(message: &[u8]) -> Result<(Self, Vec<String>), Error> {
        if message.len() as u64 > MAX_BYTES {
            return Err(Error::pprof(format!("is longer than {MAX_BYTES} bytes")));
        }
        Decoder::new(message)?.decode()
    }
}

/// Decompresses a profile.
pub(super) fn unpacked(pprof: impl BufRead) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut unpacked = GzDecoder::new(pprof).take(MAX_BYTES + 1);
    unpacked.read_to_end(&mut bytes).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::InvalidData
            | std::io::ErrorKind::InvalidInput
            | std::io::ErrorKind::UnexpectedEof => ErrorKind::Pprof,
            _ => ErrorKind::Io,
        };
        Error::with_source(kind, "pprof profile: expected gzip, but decompressing failed", error)
    })?;
    Ok(bytes)
}

/// A reader that scans the message once per table, and keeps only the parts that the profile needs.
struct Decoder<'m> {
    message: &'m [u8],
    strings: Vec<Arc<str>>,
    comments: Vec<String>,
    kind: ProfileKind,
    builder: Builder,
}

impl<'m> Decoder<'m> {
    fn new(message: &'m [u8]) -> Result<Self, Error> {
        let (mut strings, mut comments, mut types) = (Vec::new(), Vec::new(), Vec::new());
        let mut counts = [0_usize; 8];
        let mut period = 0;
        for field in Fields::of(message) {
            let (tag, field) = field?;
            if let Some(count) = usize::try_from(tag).ok().and_then(|tag| counts.get_mut(tag)) {
                *count += 1;
                if *count > MAX_ENTRIES {
                    return Err(Error::pprof(format!("has more than {MAX_ENTRIES} entries of one kind")));
                }
            }
            match (tag, field) {
                // Profiles of this library have at most four.
                (tag::SAMPLE_TYPE, Field::Bytes(bytes)) if types.len() < 8 => {
                    types.push(Numbers::read(bytes, tag::value_type::UNIT)?)
                }
                (tag::STRING, Field::Bytes(bytes)) => {
                    let text = std::str::from_utf8(bytes);
                    strings.push(Arc::from(text.map_err(|_| Error::pprof("has a text that is not UTF-8"))?));
                }
                (tag::PERIOD, Field::Number(number)) => period = number,
                (tag::COMMENT, field) => field.append_to(&mut comments)?,
                _ => {}
            }
            if comments.len() > MAX_ENTRIES {
                return Err(Error::pprof(format!("has more than {MAX_ENTRIES} comments")));
            }
        }
        let text = |position: u64| text(&strings, position);
        let names = |names: &Numbers| {
            Ok((text(names.get(tag::value_type::TYPE))?, text(names.get(tag::value_type::UNIT))?))
        };
        let names = types.iter().map(names).collect::<Result<Vec<_>, Error>>()?;
        let is_kind = |kind: &ProfileKind| {
            let expected = value::of_kind(*kind).iter().copied();
            names.iter().map(|(name, unit)| (&**name, &**unit)).eq(expected)
        };
        let kind = value::KINDS.into_iter().find(is_kind).ok_or_else(|| {
            Error::pprof(format!(
                "expected values of a heap profile, such as inuse_objects and inuse_space, found {names:?}"
            ))
        })?;
        let period = i64::try_from(period).unwrap_or(-1);
        let rate = u64::try_from(period).ok().filter(|rate| *rate > 0);
        let rate = rate.ok_or_else(|| Error::pprof(format!("expected a period above 0, found {period}")))?;
        // Ten bytes are enough to repeat a text as another comment. So all comments together are not longer than a
        // profile.
        let mut length = 0;
        let comment = |position: u64| {
            let comment = text(position)?;
            length += comment.len() as u64;
            if length > MAX_BYTES {
                return Err(Error::pprof("has comments that are too long"));
            }
            Ok(comment.as_ref().to_owned())
        };
        let comments = comments.into_iter().map(comment).collect::<Result<_, Error>>()?;
        let builder = Builder::new(kind, SampleRate::from_bytes(rate));
        Ok(Self { message, strings, comments, kind, builder })
    }

    /// Iterates over the messages of a table.
    fn table(&self, wanted: u64) -> impl Iterator<Item = Result<&'m [u8], Error>> + use<'m> {
        Fields::of(self.message).filter_map(move |field| match field {
            Ok((tag, Field::Bytes(bytes))) if tag == wanted => Some(Ok(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// Removes the comments with a prefix, and returns the number at the end of the last one.
    fn take_comment<N: FromStr>(&mut self, begins: &str) -> Option<N> {
        let mut found = None;
        self.comments.retain(|comment| match comment.strip_prefix(begins) {
            Some(number) => {
                found = number.parse().ok();
                false
            }
            None => true,
        });
        found
    }

    fn decode(mut self) -> Result<(SymbolizedProfile, Vec<String>), Error> {
        let own = self.take_comment(PROGRAM_MAPPINGS);
        // A larger number than the whole distance is cut to the whole distance.
        self.builder.large_below = self.take_comment::<u32>(LARGE_BELOW).unwrap_or(0).min(1_000_000);
        let mappings = self.mappings(own)?;
        let mut functions = FxHashMap::default();
        for function in self.table(tag::FUNCTION) {
            let function = Numbers::read(function?, tag::function::FILENAME)?;
            let text = |tag| self.text(function.get(tag));
            let file = Some(text(tag::function::FILENAME)?).filter(|file| !file.is_empty());
            let name = text(tag::function::NAME)?;
            let system_name = text(tag::function::SYSTEM_NAME)?;
            let handle = self.builder.names.functions.handle(NamedFunction { name, system_name, file });
            functions.insert(function.get(tag::function::ID), handle);
        }
        let mut locations = FxHashMap::default();
        for location in self.table(tag::LOCATION) {
            let (id, location) = read_location(location?, &mappings, &functions)?;
            locations.insert(id, self.builder.locations.handle(location));
        }
        let mut magnitude = Magnitude::default();
        for sample in self.table(tag::SAMPLE) {
            let Sample { location_ids, values, labels } = Sample::read(sample?)?;
            let at = |id: &u64| locations.get(id).copied().ok_or_else(|| dangling("location", *id));
            let locations = location_ids.iter().map(at).collect::<Result<Vec<_>, _>>()?;
            let (live, allocated) = amounts(self.kind, &values)?;
            let (owner, place, is_sized, thread) = self.labels(&labels)?;
            magnitude.add(live, allocated);
            let samples = [NamedSample { thread, live, allocated }];
            self.builder.add(locations, (owner, place), is_sized, samples);
        }
        if magnitude.is_too_large() {
            return Err(Error::pprof(format!("its numbers add up to more than {}", Magnitude::MAX)));
        }
        Ok((self.builder.finish(), self.comments))
    }

    /// Reads the mappings, and returns the builder's handles by id. `own` is the number of the program's own
    /// mappings.
    fn mappings(&mut self, own: Option<usize>) -> Result<FxHashMap<u64, u32>, Error> {
        let mut first = None;
        let mut handles = FxHashMap::default();
        for (at, mapping) in self.table(tag::MAPPING).enumerate() {
            let mapping = Numbers::read(mapping?, tag::mapping::HAS_INLINE_FRAMES)?;
            let [start, limit] =
                [tag::mapping::MEMORY_START, tag::mapping::MEMORY_LIMIT].map(|tag| mapping.get(tag));
            let file = self.text(mapping.get(tag::mapping::FILENAME))?;
            let build_id = BuildId::parse(&self.text(mapping.get(tag::mapping::BUILD_ID))?);
            let (first_file, first_id) = first.get_or_insert_with(|| (Arc::clone(&file), build_id.clone()));
            let is_library =
                own.map_or_else(|| (&*first_file, &*first_id) != (&file, &build_id), |own| at >= own);
            // A file longer than the distance between mappings could not be written back.
            let length = limit.saturating_sub(start).min(MAPPING_SPACING);
            let file_offset = mapping.get(tag::mapping::FILE_OFFSET).min(MAPPING_SPACING);
            let named = NamedMapping { is_library, file, build_id, file_offset, length };
            handles.insert(mapping.get(tag::mapping::ID), self.builder.mappings.handle(named));
        }
        Ok(handles)
    }

    /// Reads the labels of a sample, and returns the handles of owner and place, whether the sizes are true, and the
    /// handle of the thread.
    fn labels(&mut self, labels: &[Numbers]) -> Result<(u32, u32, bool, u32), Error> {
        let mut place = Place::default();
        let (mut name, mut full_type, mut is_attributed) = (Arc::from(""), None, false);
        let (mut thread, mut is_sized) = (Arc::from(""), false);
        for label in labels {
            let text = self.text(label.get(tag::label::STR))?;
            match &*self.text(label.get(tag::label::KEY))? {
                label::TYPE => (name, is_attributed) = (text, true),
                label::UNATTRIBUTED => name = text,
                label::FULL_TYPE => full_type = Some(text),
                label::THREAD => thread = text,
                label::FUNCTION => place.function = Some(text),
                label::FILE => place.file = Some(text),
                label::LINE => place.line = u32::try_from(label.get(tag::label::NUM)).unwrap_or(0),
                label::SIZES => is_sized = &*text == label::TRUE_SIZES,
                label::CRATE => place.crate_name = Some(text),
                _ => {}
            }
        }
        let full_type = full_type.unwrap_or_else(|| Arc::clone(&name));
        let owner = Owner { name, full_type, is_attributed };
        Ok((
            self.builder.names.owners.handle(owner),
            self.builder.names.places.handle(place),
            is_sized,
            self.builder.threads.handle(thread),
        ))
    }

    fn text(&self, position: u64) -> Result<Arc<str>, Error> {
        text(&self.strings, position)
    }
}

fn text(strings: &[Arc<str>], position: u64) -> Result<Arc<str>, Error> {
    let text = usize::try_from(position).ok().and_then(|position| strings.get(position));
    text.cloned()
        .ok_or_else(|| Error::pprof(format!("string {} is not in the table", position.cast_signed())))
}
