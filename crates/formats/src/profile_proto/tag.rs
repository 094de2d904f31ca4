//! Tags of fields, as in `profile.proto` (github.com/google/pprof): the profile's own tags, then one module per
//! message within it.

/// `sample_type`.
pub const SAMPLE_TYPE: u64 = 1;
/// `sample`.
pub const SAMPLE: u64 = 2;
/// `mapping`.
pub const MAPPING: u64 = 3;
/// `location`.
pub const LOCATION: u64 = 4;
/// `function`.
pub const FUNCTION: u64 = 5;
/// `string`.
pub const STRING: u64 = 6;
/// `time_nanos`.
pub const TIME_NANOS: u64 = 9;
/// `duration_nanos`.
pub const DURATION_NANOS: u64 = 10;
/// `period_type`.
pub const PERIOD_TYPE: u64 = 11;
/// `period`.
pub const PERIOD: u64 = 12;
/// `comment`.
pub const COMMENT: u64 = 13;
/// `default_sample_type`.
pub const DEFAULT_SAMPLE_TYPE: u64 = 14;

/// Tags of `ValueType`.
pub mod value_type {
    /// `type`.
    pub const TYPE: u64 = 1;
    /// `unit`.
    pub const UNIT: u64 = 2;
}

/// Tags of `Sample`.
pub mod sample {
    /// The innermost location first.
    pub const LOCATION_ID: u64 = 1;
    /// `value`.
    pub const VALUE: u64 = 2;
    /// `label`.
    pub const LABEL: u64 = 3;
}

/// Tags of `Label`.
pub mod label {
    /// `key`.
    pub const KEY: u64 = 1;
    /// `str`.
    pub const STR: u64 = 2;
    /// `num`.
    pub const NUM: u64 = 3;
    /// `num_unit`.
    pub const NUM_UNIT: u64 = 4;
}

/// Tags of `Mapping`.
pub mod mapping {
    /// `id`.
    pub const ID: u64 = 1;
    /// `memory_start`.
    pub const MEMORY_START: u64 = 2;
    /// `memory_limit`.
    pub const MEMORY_LIMIT: u64 = 3;
    /// `file_offset`.
    pub const FILE_OFFSET: u64 = 4;
    /// `filename`.
    pub const FILENAME: u64 = 5;
    /// `build_id`.
    pub const BUILD_ID: u64 = 6;
    /// `has_functions`.
    pub const HAS_FUNCTIONS: u64 = 7;
    /// `has_filenames`.
    pub const HAS_FILENAMES: u64 = 8;
    /// `has_line_numbers`.
    pub const HAS_LINE_NUMBERS: u64 = 9;
    /// `has_inline_frames`.
    pub const HAS_INLINE_FRAMES: u64 = 10;
}

/// Tags of `Location`.
pub mod location {
    /// `id`.
    pub const ID: u64 = 1;
    /// `mapping_id`.
    pub const MAPPING_ID: u64 = 2;
    /// `address`.
    pub const ADDRESS: u64 = 3;
    /// The innermost inlined function first.
    pub const LINE: u64 = 4;
}

/// Tags of `Line`.
pub mod line {
    /// `function_id`.
    pub const FUNCTION_ID: u64 = 1;
    /// `line`.
    pub const LINE: u64 = 2;
}

/// Tags of `Function`.
pub mod function {
    /// `id`.
    pub const ID: u64 = 1;
    /// `name`.
    pub const NAME: u64 = 2;
    /// `system_name`.
    pub const SYSTEM_NAME: u64 = 3;
    /// `filename`.
    pub const FILENAME: u64 = 4;
}
