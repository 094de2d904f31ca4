//! The check that two profiles consist of comparable samples.

use std::sync::Arc;

use memory_debug_core::{SampleOrigin, Snapshot, SymbolizedProfile};

use super::page_request::Material;
use crate::reply::Problem;
use crate::request::Base;

/// Reads a snapshot that the live heap can be compared with. A snapshot of another process has other samples anyway.
pub(super) fn earlier_profile(
    base: Base,
    material: Material<'_>,
) -> Result<(Arc<Snapshot>, SymbolizedProfile), Problem> {
    let base = base.find(material.snapshots)?;
    if base.info().instance.id == material.report()?.instance.id {
        require_same_samples(base.info().samples.as_ref(), material.samples()?.as_ref())?;
    }
    let profile =
        base.profile().map_err(|error| Problem::internal("a snapshot cannot be read back", &error))?;
    Ok((base, profile))
}

/// Refuses to compare two profiles if the sampling changed between them. Discarded samples would look like freed
/// memory, and neither a profile nor a picture has room for a warning.
pub(super) fn require_same_samples(
    before: Option<&SampleOrigin>,
    after: Option<&SampleOrigin>,
) -> Result<(), Problem> {
    let (Some(before), Some(after)) = (before, after) else {
        return Err(Problem::SamplingChanged(
            "it is not known whether samples were discarded in between".into(),
        ));
    };
    if before.generation != after.generation {
        let when = after.began_at.as_ref().map(|time| format!(" at {time}")).unwrap_or_default();
        let rate = after.sample_bytes;
        return Err(Problem::SamplingChanged(format!(
            "the sampling rate was changed{when} to one sample per {rate} bytes, which discards all samples"
        )));
    }
    if before.pauses != after.pauses {
        let when = after.resumed_at.as_ref().map(|time| format!(" until {time}")).unwrap_or_default();
        return Err(Problem::SamplingChanged(format!(
            "sampling was off for some time{when}, so allocations of that time were not sampled"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(generation: u64, pauses: u64) -> SampleOrigin {
        serde_json::from_value(serde_json::json!({
            "generation": generation, "began_at": "2026-11-21T09:00:00.000Z", "sample_bytes": 65_536,
            "pauses": pauses, "resumed_at": "2026-11-21T10:00:00.000Z",
        }))
        .unwrap()
    }

    #[test]
    fn a_change_of_sampling_is_a_conflict_that_says_when_it_happened() {
        let (one, other, paused) = (samples(0, 0), samples(1, 0), samples(0, 1));
        assert_eq!(require_same_samples(Some(&one), Some(&one)), Ok(()));
        for (after, reason) in [
            (
                Some(&other),
                "changed at 2026-11-21T09:00:00.000Z to one sample per 65536 bytes, which discards all",
            ),
            (Some(&paused), "sampling was off for some time until 2026-11-21T10:00:00.000Z"),
            (None, "it is not known whether samples were discarded"),
        ] {
            let problem = require_same_samples(Some(&one), after).unwrap_err();
            assert_eq!(problem.status(), 409);
            assert!(problem.detail().contains(reason), "{}", problem.detail());
        }
        assert!(require_same_samples(None, Some(&one)).is_err());
    }
}
