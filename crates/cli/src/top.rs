//! The live view of `memory-debug top`.
//!
//! A module uses only modules that are listed before it. Only `poll`, `terminal`, `batch` and `live` do input or
//! output.
//!
//! - `instance`: the answers of one instance
//! - `growth`: how the rows changed since the start
//! - `table`: the rows of all instances
//! - `keys`: what each key does
//! - `poll`: the threads that send requests
//! - `history`: the sums over time
//! - `state`: everything that the screen shows
//! - `draw`: draws the state on a screen of any size
//! - `terminal`: the terminal, restored at the end
//! - `batch`: the view as text
//! - `live`: the view on the terminal
//! - `view`: the view as the command line asks for it

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
