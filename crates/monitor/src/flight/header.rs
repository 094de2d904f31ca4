//! What the header of a flight file says.

use memory_debug_core::InstanceInfo;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::checked::{PREFIX, open, seal};

/// The process that writes a flight file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) instance: InstanceInfo,
    /// When the file was made, in milliseconds since 1970.
    pub(crate) opened_ms: u64,
    /// Where the limit comes from, in words.
    pub(crate) limit_source: Option<String>,
    /// The path of the process's control group.
    pub(crate) group: Option<String>,
    /// Kills for lack of memory that the kernel had counted in that group.
    pub(crate) oom_kills: Option<u64>,
}

/// The largest types at the last collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct KnownTypes {
    /// When they were collected, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// Their names and bytes, the largest first.
    pub(crate) types: Vec<(String, u64)>,
    /// Names of other types, which earlier records have.
    #[serde(default)]
    pub(crate) earlier: Vec<String>,
}

impl Header {
    /// Fills `space`. Leaves out what is not needed to recognise the process if it does not fit.
    pub(super) fn write(&self, space: &mut [u8]) -> bool {
        write_json(self, space) || {
            let mut short = self.clone();
            (short.instance.service, short.instance.version, short.instance.host) = (None, None, None);
            (short.limit_source, short.group) = (None, None);
            write_json(&short, space)
        }
    }

    pub(super) fn read(space: &[u8]) -> Option<Self> {
        read_json(space)
    }
}

impl KnownTypes {
    /// Fills `space` with the largest types that fit.
    pub(super) fn write(&self, space: &mut [u8]) {
        let mut fitting = self.clone();
        while !write_json(&fitting, space)
            && (fitting.earlier.pop().is_some() || fitting.types.pop().is_some())
        {}
    }

    pub(super) fn read(space: &[u8]) -> Option<Self> {
        read_json(space)
    }

    /// Whether a type with this name is among the largest.
    pub(super) fn has(&self, name: &str) -> bool {
        self.types.iter().any(|(of_type, _)| of_type == name)
    }

    /// The names of all types that records can have.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.types.iter().map(|(name, _)| name).chain(&self.earlier)
    }
}

fn write_json(value: &impl Serialize, space: &mut [u8]) -> bool {
    let Ok(json) = serde_json::to_vec(value) else { return false };
    let Some(place) = space.get_mut(PREFIX..).and_then(|rest| rest.get_mut(..json.len())) else {
        return false;
    };
    place.copy_from_slice(&json);
    seal(space, json.len())
}

fn read_json<T: DeserializeOwned>(space: &[u8]) -> Option<T> {
    serde_json::from_slice(open(space)?).ok()
}
