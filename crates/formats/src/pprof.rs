//! pprof's format of a call tree: `profile.proto` in gzip. A heap profile has more to say in it, and an exporter of its
//! own.

use std::borrow::Cow;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::call_tree::{CallNode, CallTree, Event, Unit};
use crate::frames::Frames;
use crate::profile_proto::{Message, Strings, tag};
use crate::walk::{Step, Walk};

/// Bytes compressed at a time.
const CHUNK: usize = 32 << 10;

/// Writes all events. Numbers can be negative.
///
/// # Errors
///
/// Errors of `out`.
pub(crate) fn write(tree: &CallTree, out: &mut dyn Write) -> io::Result<()> {
    let mut out = GzEncoder::new(out, Compression::fast());
    write_message(tree, &mut out)?;
    out.finish().map(drop)
}

/// Writes the message without gzip.
pub(crate) fn write_message(tree: &CallTree, sink: &mut impl Write) -> io::Result<()> {
    let frames = Frames::of(tree);
    let types: Vec<String> = tree.events.iter().map(type_name).collect();
    let labels: Vec<Cow<'_, str>> = frames.frames.iter().map(|frame| frame.label()).collect();
    let files: Vec<Cow<'_, str>> =
        frames.frames.iter().map(|frame| frame.file().unwrap_or_default()).collect();
    let title = tree.title();
    let mut strings = Strings::new();
    let (mut out, mut part, mut inner, mut packed) =
        (Message::default(), Message::default(), Message::default(), Vec::new());
    for (event, name) in tree.events.iter().zip(&types) {
        part.clear();
        part.number(tag::value_type::TYPE, strings.position(name));
        part.number(tag::value_type::UNIT, strings.position(event.unit.name()));
        out.bytes(tag::SAMPLE_TYPE, part.as_bytes());
    }
    let mut stack: Vec<u64> = Vec::new();
    for step in Walk::of(tree).steps() {
        let Step::Enter(at) = step else {
            stack.pop();
            continue;
        };
        stack.push(id(frames.of_node[at]));
        let own = (0..tree.events.len()).map(|event| tree.nodes[at].own(event));
        if own.clone().any(|own| own != 0) {
            part.clear();
            part.numbers(tag::sample::LOCATION_ID, stack.iter().rev().copied(), &mut packed);
            part.numbers(tag::sample::VALUE, own.map(i64::cast_unsigned), &mut packed);
            out.bytes(tag::SAMPLE, part.as_bytes());
            out.write_from(CHUNK, sink)?;
        }
    }
    let of_frames = frames.frames.iter().zip(labels.iter().zip(&files)).enumerate();
    for (at, (frame, (label, file))) in of_frames {
        write_frame(
            id(at),
            frame,
            (strings.position(label), strings.position(file)),
            &mut out,
            [&mut part, &mut inner],
        );
        out.write_from(CHUNK, sink)?;
    }
    out.numbers(tag::COMMENT, [strings.position(&title)].into_iter().filter(|at| *at > 0), &mut packed);
    out.number(tag::DEFAULT_SAMPLE_TYPE, types.first().map_or(0, |name| strings.position(name)));
    for text in strings.table() {
        out.bytes(tag::STRING, text.as_bytes());
        out.write_from(CHUNK, sink)?;
    }
    out.write_to(sink)
}

/// Writes a location and the function there, which share their number.
fn write_frame(
    id: u64,
    frame: &CallNode,
    (name, file): (u64, u64),
    out: &mut Message,
    [part, inner]: [&mut Message; 2],
) {
    inner.clear();
    inner.number(tag::line::FUNCTION_ID, id);
    inner.number(tag::line::LINE, frame.line.unwrap_or(0).into());
    part.clear();
    part.number(tag::location::ID, id);
    part.bytes(tag::location::LINE, inner.as_bytes());
    out.bytes(tag::LOCATION, part.as_bytes());
    part.clear();
    part.number(tag::function::ID, id);
    part.number(tag::function::NAME, name);
    part.number(tag::function::SYSTEM_NAME, name);
    part.number(tag::function::FILENAME, file);
    out.bytes(tag::FUNCTION, part.as_bytes());
}

/// The number of a frame. 0 means no frame.
fn id(frame: usize) -> u64 {
    frame as u64 + 1
}

/// The name of an event, as Go and its tools call it where they know it.
fn type_name(event: &Event) -> String {
    match (&*event.name, event.unit) {
        ("Allocated", Unit::Bytes) => "alloc_space".into(),
        ("Freed", Unit::Bytes) => "freed_space".into(),
        ("Bytes", Unit::Bytes) => "inuse_space".into(),
        ("Objects", Unit::Count) => "inuse_objects".into(),
        ("Allocations", Unit::Count) => "alloc_objects".into(),
        ("GrownBytes", Unit::Bytes) => "growth_space".into(),
        ("GrownObjects", Unit::Count) => "growth_objects".into(),
        (name, _) => name.to_ascii_lowercase(),
    }
}
