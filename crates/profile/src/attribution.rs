//! Attribution: from the frames of one stack to the type that owns the allocation.

pub(crate) mod function;
pub(crate) mod place;
mod rules;
pub(crate) mod stack;
pub(crate) mod step;
