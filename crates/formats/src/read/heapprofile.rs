//! The reader of `.heapprofile`.

use std::io;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::builder::Builder;
use super::cpuprofile::Frame;
use super::number::whole;
use super::{MAX_DEPTH, damaged, not_json};
use crate::call_tree::{CallTree, Event, Unit};

#[derive(Deserialize)]
struct Profile<'f> {
    #[serde(borrow)]
    head: &'f RawValue,
}

/// A node. Its children stay text, because a parser that follows them needs as many calls as the stack is deep.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node<'f> {
    #[serde(borrow)]
    call_frame: Frame<'f>,
    self_size: f64,
    #[serde(borrow)]
    children: Vec<&'f RawValue>,
}

/// The most text that is read again for the children of nodes, in bytes.
const MAX_TEXT: usize = 4 << 30;

pub(super) fn read(content: &[u8]) -> io::Result<CallTree> {
    let invalid = |error: serde_json::Error| not_json("heapprofile", &error);
    let profile: Profile<'_> = serde_json::from_slice(content).map_err(invalid)?;
    let mut tree = Builder::new("heap profile", vec![Event::new("Bytes", "bytes", Unit::Bytes)]);
    let mut left = MAX_TEXT;
    // Nodes whose text was not read, with their caller and their depth.
    let mut open = vec![(profile.head, None, 0)];
    while let Some((text, caller, depth)) = open.pop() {
        let rest = left.checked_sub(text.get().len()).filter(|_| depth <= MAX_DEPTH);
        left = rest.ok_or_else(|| damaged("has too many functions below each other"))?;
        let node: Node<'_> = serde_json::from_str(text.get()).map_err(invalid)?;
        let bytes = whole(node.self_size, 1.0)?;
        // The root is not a function. It has a size only in files of other tools.
        let at =
            if depth == 0 && bytes == 0 { None } else { Some(node.call_frame.place(caller, &mut tree)?) };
        at.into_iter().for_each(|at| tree.add(at, 0, bytes));
        open.extend(node.children.iter().rev().map(|child| (*child, at, depth + 1)));
    }
    Ok(tree.finish())
}
