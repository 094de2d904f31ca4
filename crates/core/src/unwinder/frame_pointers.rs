//! The walk, its checks, and the switch from libgcc.

mod edges;
mod frames;
mod own_stack;
mod outermost;
mod registers;
mod walk;
mod hook;
mod self_check;
mod switch;

pub(crate) use switch::read_unwinder;
pub use switch::start_unwinder;
