//! Reports as text for people and as JSON for programs.
//!
//! Both take values and return a value; equal reports give equal output.

mod change;
mod columns;
mod control;
mod detail;
mod diagnosis;
mod growth;
mod json;
mod purge;
mod reasons;
mod reconciliation;
mod roots;
#[cfg(test)]
pub(crate) mod sample;
mod snapshots;
mod stacks;
mod table;
mod text;

pub use growth::{growth_json, growth_text};
pub use json::{document, json};
pub use snapshots::snapshots_text;
pub use stacks::{stacks_json, stacks_text};
pub use text::text;
