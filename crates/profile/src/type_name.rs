//! Type names, as the compiler writes them and as people read them.

mod forms;
mod parse;
mod path;
mod pointers;
mod readable;
mod readable_names;
mod shorten;

pub(crate) use forms::walk;
pub(crate) use parse::{split_arguments, split_list};
pub(crate) use path::Qualify;
pub use pointers::holds_pointers;
pub use readable::readable_type_name;
pub(crate) use readable::{element_of, readable};
pub(crate) use readable_names::ReadableNames;
pub use shorten::shorten_name;
