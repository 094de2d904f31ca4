//! Reading, of what this library wrote: today, in an earlier version, or damaged since.

use std::io::{BufRead, Read};
use std::str::FromStr;
use std::sync::Arc;

use flate2::bufread::GzDecoder;
use prost::Message;
use rustc_hash::FxHashMap;

use super::proto::{self, ValueType};
use super::wire::{self, Field, Fields};
use super::{LARGE_BELOW, MAPPING_SPACING, PROGRAM_MAPPINGS, label, tag, value};
use crate::amount::{Amount, Magnitude};
use crate::build_id::BuildId;
use crate::error::{Error, ErrorKind};
use crate::sample::SampleRate;
use crate::symbolized::{
    Builder, Line, Location, NamedFunction, NamedMapping, NamedSample, Owner, Place, ProfileKind,
    SymbolizedProfile,
};

/// Longest profile, uncompressed. One of 100,000 stacks has 20 MB.
const MAX_BYTES: u64 = 64 << 20;

/// Most samples, locations, functions, mappings, texts and comments, of each.
const MAX_ENTRIES: usize = 1 << 20;

impl SymbolizedProfile {
    /// Reads a profile that [`write_pprof`](Self::write_pprof) wrote, and its comments. With options that leave something
    /// out, what was left out is missing.
    ///
    /// At most 64 MiB uncompressed are read, with a million samples, so that a small file made to become large does not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Pprof`] if it is no heap profile in pprof's format, is damaged, cut off or too long, or if its
    /// numbers add up to more than 2⁶⁰; and [`ErrorKind::Io`] if reading fails.
    pub fn read_pprof(pprof: impl BufRead) -> Result<(Self, Vec<String>), Error> {
        Self::read_pprof_message(&unpacked(pprof)?)
    }

    /// The same without gzip.
    pub(crate) fn read_pprof_message(message: &[u8]) -> Result<(Self, Vec<String>), Error> {
        if message.len() as u64 > MAX_BYTES {
            return Err(refused(format!("is longer than {MAX_BYTES} bytes")));
        }
        Decoder::new(message)?.decode()
    }
}

/// The message without gzip.
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
        Error::with_source(kind, "pprof profile: expected gzip, which could not be unpacked", error)
    })?;
    Ok(bytes)
}

/// Goes over the message once for each of its tables, and keeps of them only what the profile will have.
struct Decoder<'m> {
    message: &'m [u8],
    strings: Vec<Arc<str>>,
    comments: Vec<String>,
    kind: ProfileKind,
    builder: Builder,
}

impl<'m> Decoder<'m> {
    fn new(message: &'m [u8]) -> Result<Self, Error> {
        let (mut strings, mut comments, mut types) = (Vec::new(), Vec::new(), Vec::<ValueType>::new());
        let mut counts = [0_usize; 8];
        let mut period = 0;
        for field in Fields::of(message) {
            let (tag, field) = field?;
            if let Some(count) = usize::try_from(tag).ok().and_then(|tag| counts.get_mut(tag)) {
                *count += 1;
                if *count > MAX_ENTRIES {
                    return Err(refused(format!("has more than {MAX_ENTRIES} entries of one kind")));
                }
            }
            match (tag, field) {
                // No profile of ours has more than four.
                (tag::SAMPLE_TYPE, Field::Bytes(bytes)) if types.len() < 8 => {
                    types.push(wire::message(bytes)?)
                }
                (tag::STRING, Field::Bytes(bytes)) => {
                    let text = std::str::from_utf8(bytes);
                    strings
                        .push(Arc::from(text.map_err(|_| refused("has a text that is not UTF-8".into()))?));
                }
                (tag::PERIOD, Field::Number(number)) => period = number,
                (tag::COMMENT, field) => comments.extend(numbers(&field)?),
                _ => {}
            }
            if comments.len() > MAX_ENTRIES {
                return Err(refused(format!("has more than {MAX_ENTRIES} comments")));
            }
        }
        let text = |position: i64| text(&strings, position);
        let names = |ValueType { r#type, unit }: &ValueType| Ok((text(*r#type)?, text(*unit)?));
        let names = types.iter().map(names).collect::<Result<Vec<_>, Error>>()?;
        let is_kind = |kind: &ProfileKind| {
            let expected = value::of_kind(*kind).iter().copied();
            names.iter().map(|(name, unit)| (&**name, &**unit)).eq(expected)
        };
        let kind = value::KINDS.into_iter().find(is_kind).ok_or_else(|| {
            refused(format!(
                "expected values of a heap profile, such as inuse_objects and inuse_space, found {names:?}"
            ))
        })?;
        let period = i64::try_from(period).unwrap_or(-1);
        let rate = u64::try_from(period).ok().filter(|rate| *rate > 0);
        let rate = rate.ok_or_else(|| refused(format!("expected a period above 0, found {period}")))?;
        // Ten bytes make a text a comment again and again, so together they are not longer than the profile may be.
        let mut length = 0;
        let comment = |position: u64| {
            let comment = text(position as i64)?;
            length += comment.len() as u64;
            if length > MAX_BYTES {
                return Err(refused("has comments that are too long".into()));
            }
            Ok(comment.as_ref().to_owned())
        };
        let comments = comments.into_iter().map(comment).collect::<Result<_, Error>>()?;
        let builder = Builder::new(kind, SampleRate::from_bytes(rate));
        Ok(Self { message, strings, comments, kind, builder })
    }

    /// The messages of a table, one after the other.
    fn table<M: Message + Default>(
        &self,
        wanted: u64,
    ) -> impl Iterator<Item = Result<M, Error>> + use<'m, M> {
        Fields::of(self.message).filter_map(move |field| match field {
            Ok((tag, Field::Bytes(bytes))) if tag == wanted => Some(wire::message(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// Takes out the comments that begin like this; gives the number that the last of them ends in.
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
        // Of a file that says more than all of the way, as much is believed.
        self.builder.large_below = self.take_comment::<u32>(LARGE_BELOW).unwrap_or(0).min(1_000_000);
        let mappings = self.mappings(own)?;
        let mut functions = FxHashMap::default();
        for function in self.table(tag::FUNCTION) {
            let proto::Function { id, name, system_name, filename } = function?;
            let file = Some(self.text(filename)?).filter(|file| !file.is_empty());
            let (name, system_name) = (self.text(name)?, self.text(system_name)?);
            functions.insert(id, self.builder.function(NamedFunction { name, system_name, file }));
        }
        let mut locations = FxHashMap::default();
        for location in self.table::<proto::Location>(tag::LOCATION) {
            let location = location?;
            let mapping = match location.mapping_id {
                0 => None,
                id => Some(*mappings.get(&id).ok_or_else(|| dangling("mapping", id))?),
            };
            let lines = location.line.iter().map(|line| {
                let id = line.function_id;
                let function = *functions.get(&id).ok_or_else(|| dangling("function", id))?;
                Ok(Line { function, line: u32::try_from(line.line).unwrap_or(0) })
            });
            let lines = lines.collect::<Result<_, Error>>()?;
            let address = location.address % MAPPING_SPACING;
            locations.insert(location.id, self.builder.location(Location { mapping, address, lines }));
        }
        let mut magnitude = Magnitude::default();
        for sample in self.table::<proto::Sample>(tag::SAMPLE) {
            let sample = sample?;
            let at = |id: &u64| locations.get(id).copied().ok_or_else(|| dangling("location", *id));
            let locations = sample.location_id.iter().map(at).collect::<Result<Vec<_>, _>>()?;
            let (live, allocated) = amounts(self.kind, &sample.value)?;
            let (owner, place, thread) = self.labels(&sample.label)?;
            let sample = NamedSample { thread, live, allocated };
            magnitude.add(live, allocated);
            self.builder.add(locations, (owner, place), [sample]);
        }
        if magnitude.is_too_large() {
            return Err(refused(format!("its numbers add up to more than {}", Magnitude::MAX)));
        }
        Ok((self.builder.finish(), self.comments))
    }

    /// The builder's handles by id. `own` says how many are the program's.
    fn mappings(&mut self, own: Option<usize>) -> Result<FxHashMap<u64, u32>, Error> {
        let mut first = None;
        let mut handles = FxHashMap::default();
        for (at, mapping) in self.table::<proto::Mapping>(tag::MAPPING).enumerate() {
            let mapping = mapping?;
            let file = self.text(mapping.filename)?;
            let build_id = BuildId::parse(&self.text(mapping.build_id)?);
            let (name, id) = first.get_or_insert_with(|| (Arc::clone(&file), build_id.clone()));
            let is_library = own.map_or_else(|| (&*name, &*id) != (&file, &build_id), |own| at >= own);
            // Longer files than mappings are apart would not be written as they are read.
            let length = mapping.memory_limit.saturating_sub(mapping.memory_start).min(MAPPING_SPACING);
            let file_offset = mapping.file_offset.min(MAPPING_SPACING);
            let named = NamedMapping { is_library, file, build_id, file_offset, length };
            handles.insert(mapping.id, self.builder.mapping(named));
        }
        Ok(handles)
    }

    /// The handles of owner, place and thread.
    fn labels(&mut self, labels: &[proto::Label]) -> Result<(u32, u32, u32), Error> {
        let mut place = Place::default();
        let (mut name, mut full_type, mut is_attributed) = (Arc::from(""), None, false);
        let mut thread = Arc::from("");
        for label in labels {
            let text = self.text(label.str)?;
            match &*self.text(label.key)? {
                label::TYPE => (name, is_attributed) = (text, true),
                label::UNATTRIBUTED => name = text,
                label::FULL_TYPE => full_type = Some(text),
                label::THREAD => thread = text,
                label::FUNCTION => place.function = Some(text),
                label::FILE => place.file = Some(text),
                label::LINE => place.line = u32::try_from(label.num).unwrap_or(0),
                label::CRATE => place.crate_name = Some(text),
                _ => {}
            }
        }
        let full_type = full_type.unwrap_or_else(|| Arc::clone(&name));
        let owner = Owner { name, full_type, is_attributed };
        Ok((self.builder.owner(owner), self.builder.place(place), self.builder.thread(thread)))
    }

    fn text(&self, position: i64) -> Result<Arc<str>, Error> {
        text(&self.strings, position)
    }
}

fn text(strings: &[Arc<str>], position: i64) -> Result<Arc<str>, Error> {
    let text = usize::try_from(position).ok().and_then(|position| strings.get(position));
    text.cloned().ok_or_else(|| refused(format!("string {position} is not in the table")))
}

/// A repeated number, which is written together or one a field.
fn numbers(field: &Field<'_>) -> Result<Vec<u64>, Error> {
    match field {
        Field::Number(number) => Ok(vec![*number]),
        Field::Bytes(bytes) => wire::packed(bytes),
    }
}

fn amounts(kind: ProfileKind, values: &[i64]) -> Result<(Amount, Amount), Error> {
    let amount = |objects, bytes| Amount { objects, bytes };
    match (kind, values) {
        (ProfileKind::LiveAndAllocated, [allocated_objects, allocated_bytes, objects, bytes]) => {
            Ok((amount(*objects, *bytes), amount(*allocated_objects, *allocated_bytes)))
        }
        (ProfileKind::Live | ProfileKind::Growth, [objects, bytes]) => {
            Ok((amount(*objects, *bytes), Amount::default()))
        }
        _ => Err(refused(format!(
            "a sample has {} values, which is not as many as there are types",
            values.len()
        ))),
    }
}

fn dangling(what: &str, id: u64) -> Error {
    refused(format!("{what} {id} is not there"))
}

pub(super) fn refused(why: String) -> Error {
    Error::new(ErrorKind::Pprof, format!("pprof profile: {why}"))
}
