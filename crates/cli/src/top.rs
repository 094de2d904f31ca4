//! The live view of `memory-debug top`.
//!
//! `poll` asks, on threads of its own, and `state` makes of the answers what is to be seen: `instance` is what is known
//! of one, `table` the rows of all together, `growth` how they changed since the start, `history` the course. `draw`
//! puts that on a screen of any size. `keys` says what keys mean. None of these does input or output but `poll`; `live`
//! and `batch` put them together, on a `terminal` or as text, for a `view`.

mod batch;
mod draw;
#[cfg(test)]
mod fixture;
mod growth;
mod history;
mod instance;
mod keys;
mod live;
mod poll;
mod state;
mod table;
mod terminal;
mod view;

pub(crate) use self::live::require_terminal;
pub(crate) use self::table::Order;
pub(crate) use self::view::View;
