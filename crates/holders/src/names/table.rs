//! Names hash tables by their control bytes and their contents.

use std::collections::BTreeMap;

use super::header::{Content, Form, Header};
use super::value_bytes::{is_text, value_bytes};
use super::{Evidence, MAJORITY};
use crate::objects::Names;

/// How much the number of elements in use may differ from the length, as a part of it. The program can change both
/// meanwhile.
const TOLERANCE: f64 = 0.02;

/// A hash table.
pub(super) struct Table<'a> {
    pub(super) header: &'a Header,
    /// Which of the first elements are in use. The first element is the last one in memory.
    pub(super) full: &'a [bool],
    pub(super) contents: &'a [Content],
}

impl Table<'_> {
    /// Whether as many elements are in use as the header says.
    fn is_consistent(&self) -> bool {
        let full = self.full.iter().filter(|full| **full).count() as f64;
        let share = self.full.len() as f64 / self.header.capacity as f64;
        let expected = self.header.length as f64 * share;
        // A part of a table has about its share.
        let tolerance = if share < 1.0 { 4.0 * expected.sqrt() } else { 0.0 };
        (full - expected).abs() <= tolerance + expected * TOLERANCE
    }

    /// Whether the element with an offset is in use. What was not read counts as in use.
    fn is_full(&self, offset: u64) -> bool {
        let element = offset.saturating_sub(self.header.shift) / self.header.stride;
        let number = self.header.capacity.saturating_sub(element + 1);
        usize::try_from(number).ok().and_then(|number| self.full.get(number)).copied().unwrap_or(true)
    }

    /// The types of the contents, each with the place of its pointer in the elements: the most common type of each place.
    fn parts(&self) -> Vec<(u64, u32)> {
        let mut votes: BTreeMap<u64, BTreeMap<u32, u32>> = BTreeMap::new();
        let mut total = 0_u32;
        for content in self.contents {
            if let Some(field) = self.header.field(content.offset).filter(|_| self.is_full(content.offset)) {
                *votes.entry(field).or_default().entry(content.name).or_default() += 1;
                total += 1;
            }
        }
        let mut parts = Vec::new();
        let mut agreed = 0;
        for (field, types) in votes {
            let most = types.into_iter().max_by_key(|(_, votes)| *votes);
            if let Some((name, votes)) =
                most.filter(|(_, votes)| f64::from(*votes) * 10.0 >= f64::from(total))
            {
                parts.push((field, name));
                agreed += votes;
            }
        }
        if f64::from(agreed) < MAJORITY * f64::from(total) {
            parts.clear();
        }
        parts
    }
}

/// The name of a table. A key or value that cannot be known is `_`. `None` if neither is known for certain.
pub(super) fn name_of_table(table: &Table<'_>, evidence: &Evidence<'_>, names: &Names) -> Option<String> {
    if !table.is_consistent() {
        return None;
    }
    let stride = table.header.stride;
    let parts = table.parts();
    match &parts[..] {
        [(field, name)] => {
            let name = names.get(*name);
            let sizes = value_bytes(name);
            if sizes.contains(&stride) {
                return Some(Form::Table.of(name));
            }
            // The value lies at the end or at the begin of an element, and its pointer lies in it.
            let bytes = sizes.iter().copied().find(|bytes| {
                *bytes < stride && (*field < *bytes || (stride - bytes..stride).contains(field))
            })?;
            known(name, stride - bytes, evidence).map(str::to_owned).or_else(|| {
                // Text can be the key as well.
                (!is_text(name)).then(|| format!("HashMap<_, {name}>"))
            })
        }
        [(_, one), (_, other)] => {
            let (one, other) = (names.get(*one), names.get(*other));
            let is_whole = value_bytes(one)
                .iter()
                .any(|bytes| value_bytes(other).iter().any(|others| bytes + others == stride));
            match (is_text(one), is_text(other)) {
                _ if !is_whole => None,
                (true, false) => Some(format!("HashMap<{one}, {other}>")),
                (false, true) => Some(format!("HashMap<{other}, {one}>")),
                (true, true) if one == other => Some(format!("HashMap<{one}, {one}>")),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The only sampled type of a map with this value whose key can have some bytes. Its elements say what it is, so one
/// sample is enough.
fn known<'a>(value: &str, key_bytes: u64, evidence: &Evidence<'a>) -> Option<&'a str> {
    let mut found = evidence.input.types.iter().filter_map(|name| {
        let (container, key) =
            name.strip_suffix('>')?.strip_suffix(value)?.strip_suffix(", ")?.split_once('<')?;
        let sizes = value_bytes(key);
        let fits = sizes.is_empty() || sizes.contains(&key_bytes);
        (container.contains("Map") && fits).then_some(name.as_str())
    });
    found.next().filter(|_| found.next().is_none())
}
