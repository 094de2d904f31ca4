//! Samples and locations, read from their messages.

use memory_debug_formats::profile_proto::tag;
use rustc_hash::FxHashMap;

use super::conventions::MAPPING_SPACING;
use super::wire::{Numbers, each_field};
use crate::amount::Amount;
use crate::error::Error;
use crate::symbolized::{Line, Location, ProfileKind};

/// The fields of a sample's message.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) location_ids: Vec<u64>,
    pub(super) values: Vec<u64>,
    pub(super) labels: Vec<Numbers>,
}

impl Sample {
    pub(super) fn read(message: &[u8]) -> Result<Self, Error> {
        let mut sample = Self::default();
        each_field(message, |tag, field| match tag {
            tag::sample::LOCATION_ID => field.append_to(&mut sample.location_ids),
            tag::sample::VALUE => field.append_to(&mut sample.values),
            tag::sample::LABEL => field.append_numbers_to(&mut sample.labels, tag::label::NUM_UNIT),
            _ => Ok(()),
        })?;
        Ok(sample)
    }
}

/// Reads a location and its id. `mappings` and `functions` are the builder's handles by id.
pub(super) fn read_location(
    message: &[u8],
    mappings: &FxHashMap<u64, u32>,
    functions: &FxHashMap<u64, u32>,
) -> Result<(u64, Location), Error> {
    let (mut id, mut mapping, mut address) = (0, 0, 0);
    let mut lines = Vec::new();
    each_field(message, |tag, field| match tag {
        tag::location::ID => field.number().map(|number| id = number),
        tag::location::MAPPING_ID => field.number().map(|number| mapping = number),
        tag::location::ADDRESS => field.number().map(|number| address = number),
        tag::location::LINE => field.append_numbers_to(&mut lines, tag::line::LINE),
        _ => Ok(()),
    })?;
    let mapping = match mapping {
        0 => None,
        id => Some(*mappings.get(&id).ok_or_else(|| dangling("mapping", id))?),
    };
    let line = |line: &Numbers| {
        let id = line.get(tag::line::FUNCTION_ID);
        let function = *functions.get(&id).ok_or_else(|| dangling("function", id))?;
        Ok(Line { function, line: u32::try_from(line.get(tag::line::LINE)).unwrap_or(0) })
    };
    let lines = lines.iter().map(line).collect::<Result<_, Error>>()?;
    Ok((id, Location { mapping, address: address % MAPPING_SPACING, lines }))
}

pub(super) fn amounts(kind: ProfileKind, values: &[u64]) -> Result<(Amount, Amount), Error> {
    let amount =
        |objects: &u64, bytes: &u64| Amount { objects: objects.cast_signed(), bytes: bytes.cast_signed() };
    match (kind, values) {
        (ProfileKind::LiveAndAllocated, [allocated_objects, allocated_bytes, objects, bytes]) => {
            Ok((amount(objects, bytes), amount(allocated_objects, allocated_bytes)))
        }
        (ProfileKind::Live | ProfileKind::Growth, [objects, bytes]) => {
            Ok((amount(objects, bytes), Amount::default()))
        }
        _ => Err(Error::pprof(format!(
            "a sample has {} values, another number than there are types",
            values.len()
        ))),
    }
}

pub(super) fn dangling(what: &str, id: u64) -> Error {
    Error::pprof(format!("{what} {id} does not exist"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::export::pprof::tests::proto;

    /// A number of up to eleven bytes, one byte more than is valid.
    fn number() -> impl Strategy<Value = Vec<u8>> {
        let bytes = (prop::collection::vec(0x80..=0xff_u8, 0..=10), 0..0x80_u8);
        prop_oneof![
            4 => (0..0x80_u8).prop_map(|byte| vec![byte]),
            1 => bytes.prop_map(|(mut bytes, last)| {
                bytes.push(last);
                bytes
            }),
        ]
    }

    /// A field of any type except groups, with a known or unknown tag.
    fn field() -> impl Strategy<Value = Vec<u8>> {
        let contents = prop::collection::vec((1..12_u8, number()), 0..4).prop_map(|fields| {
            let fields = fields.into_iter().map(|(tag, number)| [vec![tag << 3], number].concat());
            let fields = fields.collect::<Vec<_>>().concat();
            [vec![fields.len() as u8], fields].concat()
        });
        let fixed = |length: usize| prop::collection::vec(any::<u8>(), length);
        let field = prop_oneof![
            4 => number().prop_map(|number| (0, number)),
            1 => fixed(8).prop_map(|bytes| (1, bytes)),
            3 => contents.prop_map(|bytes| (2, bytes)),
            1 => fixed(4).prop_map(|bytes| (5, bytes)),
        ];
        (0..14_u8, field).prop_map(|(tag, (kind, bytes))| [vec![tag << 3 | kind], bytes].concat())
    }

    proptest! {
        #[test]
        fn treats_damaged_messages_like_another_codec(
            fields in prop::collection::vec(field(), 0..5),
            cut in 0..4_usize,
        ) {
            let message = fields.concat();
            let message = &message[..message.len() - cut.min(message.len())];
            let ours = Sample::read(message).ok().map(|sample| {
                let labels = sample.labels.iter().map(|label| {
                    [tag::label::KEY, tag::label::STR, tag::label::NUM, tag::label::NUM_UNIT]
                        .map(|tag| label.get(tag).cast_signed())
                });
                (sample.location_ids, sample.values, labels.collect::<Vec<_>>())
            });
            let theirs = proto::Sample::decode(message).ok().map(|sample| {
                let labels = sample.label.iter().map(|label| [label.key, label.str, label.num, label.num_unit]);
                let values = sample.value.iter().map(|value| value.cast_unsigned());
                (sample.location_id, values.collect(), labels.collect())
            });
            prop_assert_eq!(ours, theirs);
            let ours = Numbers::read(message, tag::mapping::HAS_INLINE_FRAMES).ok();
            let ours = ours.map(|mapping| {
                let is_inline = mapping.get(tag::mapping::HAS_INLINE_FRAMES) != 0;
                (mapping.get(tag::mapping::ID), mapping.get(tag::mapping::BUILD_ID).cast_signed(), is_inline)
            });
            let theirs = proto::Mapping::decode(message).ok();
            let theirs = theirs.map(|mapping| (mapping.id, mapping.build_id, mapping.has_inline_frames));
            prop_assert_eq!(ours, theirs);
        }
    }
}
