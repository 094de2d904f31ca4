//! Live samples: records each sampled allocation until it is freed.

mod label;

pub use label::{LabelGuard, RouteLabel};
