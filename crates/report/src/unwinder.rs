//! What reads the stacks of samples, as a value.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::units::{count, printable};

/// A way to read a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Unwinder {
    /// jemalloc's own: libgcc interprets the unwind tables of the program.
    Libgcc,
    /// A walk along frame pointers, a tenth of libgcc's time. `install!(unwinder = frame_pointers)` asks for it.
    FramePointers,
}

/// The unwinder that runs, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnwinderState {
    /// The unwinder that runs now.
    pub name: Unwinder,
    /// Why libgcc runs although the program asked for the walk. Absent if the walk runs, or was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_switched: Option<String>,
    /// Number of stacks that were walked since the start.
    pub walked: u64,
    /// Number of stacks that libgcc read since the start because a walk was not confirmed.
    pub fell_back: u64,
}

impl UnwinderState {
    /// An unwinder that has read no stack.
    pub fn new(name: Unwinder) -> Self {
        Self { name, not_switched: None, walked: 0, fell_back: 0 }
    }
}

impl Display for UnwinderState {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (walked, fell_back) = (count(self.walked), count(self.fell_back));
        match (self.name, &self.not_switched) {
            (Unwinder::FramePointers, _) => {
                write!(f, "frame pointers: {walked} stacks, and {fell_back} by libgcc")
            }
            (Unwinder::Libgcc, Some(reason)) => write!(f, "libgcc: {}", printable(reason)),
            (Unwinder::Libgcc, None) => f.write_str("libgcc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_which_unwinder_runs_and_why() {
        let mut state = UnwinderState::new(Unwinder::Libgcc);
        assert_eq!(state.to_string(), "libgcc");
        state.not_switched = Some("no frame pointers".into());
        assert_eq!(state.to_string(), "libgcc: no frame pointers");
        state = UnwinderState::new(Unwinder::FramePointers);
        (state.walked, state.fell_back) = (9000, 120);
        assert_eq!(state.to_string(), "frame pointers: 9,000 stacks, and 120 by libgcc");
        let json = serde_json::to_value(&state).unwrap();
        assert_eq!((&json["name"], &json["walked"]), (&"frame_pointers".into(), &9000.into()));
        assert_eq!(serde_json::from_value::<UnwinderState>(json).unwrap(), state);
    }
}
