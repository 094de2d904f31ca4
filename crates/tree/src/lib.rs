//! The call tree of a heap profile: each node is a function below its callers, with the memory of all stacks through
//! it. It is the content of a flame graph.
//!
//! A tree has at most a given number of nodes. The smallest nodes below a function become one node, so no memory is left
//! out. A tree of two profiles says for each node whether its change is more than noise.
//!
//! # Modules, from the ground up
//!
//! - `path`: the stacks of one or two profiles, from the outermost function
//! - `skeleton`: the nodes that a tree of limited size keeps
//! - `call_tree`: the tree
//! - `content`: the text of a node
//! - `json`: the tree as JSON, in columns

#![forbid(unsafe_code)]

// In the order of the list above.
mod path;
mod skeleton;
mod call_tree;
mod content;
mod json;
#[cfg(test)]
mod sample;

pub use call_tree::{CallLabel, CallNode, CallTree, NodeChange, Pruned, TreeOptions};
pub use content::{cells, label};
pub use json::write_json;
