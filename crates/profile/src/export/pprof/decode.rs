//! Reading, of what this library wrote: today, in an earlier version, or damaged since.

use std::io::{BufRead, Read};
use std::sync::Arc;

use flate2::bufread::GzDecoder;
use prost::Message;
use rustc_hash::FxHashMap;

use super::proto::{self, Profile, ValueType};
use super::{MAPPING_SPACING, NO_PROGRAM, label, value};
use crate::build_id::BuildId;
use crate::error::{Error, ErrorKind};
use crate::sample::SampleRate;
use crate::symbolized::{
    Amount, Builder, Line, Location, NamedFunction, NamedMapping, NamedSample, NewStack, Owner, Place,
    ProfileKind, SymbolizedProfile,
};

/// Longest profile, uncompressed. One of 100,000 stacks has 20 MB.
const MAX_BYTES: u64 = 256 << 20;

impl SymbolizedProfile {
    /// Reads a profile that [`write_pprof`](Self::write_pprof) wrote, and its comments. With options that leave something
    /// out, what was left out is missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Pprof`] if it is no heap profile in pprof's format, is damaged or cut off, and [`ErrorKind::Io`] if
    /// reading fails.
    pub fn read_pprof(pprof: impl BufRead) -> Result<(Self, Vec<String>), Error> {
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
        if bytes.len() as u64 > MAX_BYTES {
            return Err(refused(format!("is longer than {MAX_BYTES} bytes")));
        }
        let profile = Profile::decode(&*bytes).map_err(|error| {
            Error::with_source(ErrorKind::Pprof, "pprof profile: is no message of profile.proto", error)
        })?;
        Decoder::new(&profile)?.decode()
    }
}

struct Decoder<'p> {
    profile: &'p Profile,
    strings: Vec<Arc<str>>,
    kind: ProfileKind,
    builder: Builder,
}

impl<'p> Decoder<'p> {
    fn new(profile: &'p Profile) -> Result<Self, Error> {
        let strings: Vec<Arc<str>> =
            profile.string_table.iter().map(|text| Arc::from(text.as_str())).collect();
        let text = |position: i64| {
            let position = usize::try_from(position).ok();
            position.and_then(|position| strings.get(position)).map(|text| &**text).unwrap_or_default()
        };
        let types: Vec<_> = profile
            .sample_type
            .iter()
            .map(|ValueType { r#type, unit }| (text(*r#type), text(*unit)))
            .collect();
        let kind = value::KINDS.into_iter().find(|kind| types == value::of_kind(*kind)).ok_or_else(|| {
            refused(format!(
                "expected values of a heap profile, such as inuse_objects and inuse_space, found {types:?}"
            ))
        })?;
        let rate = u64::try_from(profile.period).ok().filter(|rate| *rate > 0);
        let rate =
            rate.ok_or_else(|| refused(format!("expected a period above 0, found {}", profile.period)))?;
        let builder = Builder::new(kind, SampleRate::from_bytes(rate));
        Ok(Self { profile, strings, kind, builder })
    }

    fn decode(mut self) -> Result<(SymbolizedProfile, Vec<String>), Error> {
        let profile = self.profile;
        let comments = profile.comment.iter().map(|comment| Ok(self.text(*comment)?.as_ref().to_owned()));
        let comments = comments.collect::<Result<Vec<String>, Error>>()?;
        let has_program = !comments.iter().any(|comment| comment == NO_PROGRAM);
        let mappings = self.mappings(has_program)?;
        let mut functions = FxHashMap::default();
        for function in &profile.function {
            let file = Some(self.text(function.filename)?).filter(|file| !file.is_empty());
            let (name, system_name) = (self.text(function.name)?, self.text(function.system_name)?);
            functions.insert(function.id, self.builder.function(NamedFunction { name, system_name, file }));
        }
        let mut locations = FxHashMap::default();
        for location in &profile.location {
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
        for sample in &profile.sample {
            let at = |id: &u64| locations.get(id).copied().ok_or_else(|| dangling("location", *id));
            let locations = sample.location_id.iter().map(at).collect::<Result<_, _>>()?;
            let (live, allocated) = amounts(self.kind, &sample.value)?;
            let (owner, place, thread) = self.labels(&sample.label)?;
            self.builder.add(NewStack { locations, owner, place }, NamedSample { thread, live, allocated });
        }
        Ok((self.builder.finish(), comments))
    }

    /// The builder's handles by id.
    fn mappings(&mut self, has_program: bool) -> Result<FxHashMap<u64, u32>, Error> {
        let program = self.profile.mapping.first().filter(|_| has_program);
        let program = program.map(|mapping| (mapping.filename, mapping.build_id));
        let mut handles = FxHashMap::default();
        for mapping in &self.profile.mapping {
            let named = NamedMapping {
                is_library: program != Some((mapping.filename, mapping.build_id)),
                file: self.text(mapping.filename)?,
                build_id: BuildId::parse(&self.text(mapping.build_id)?),
                file_offset: mapping.file_offset,
                length: mapping.memory_limit.saturating_sub(mapping.memory_start),
            };
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
        let text = usize::try_from(position).ok().and_then(|position| self.strings.get(position));
        text.cloned().ok_or_else(|| refused(format!("string {position} is not in the table")))
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

fn refused(why: String) -> Error {
    Error::new(ErrorKind::Pprof, format!("pprof profile: {why}"))
}
