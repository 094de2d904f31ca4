//! The id of a row in JSON: 16 hexadecimal digits.

use memory_debug_profile::RowId;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(id: &Option<RowId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RowId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        text.parse().map_err(|_| D::Error::custom("the id of a row has 16 hexadecimal digits"))
    };
    text.map(read).transpose()
}
