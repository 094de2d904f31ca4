//! The flight recorder: a file of records that outlives a kill.
