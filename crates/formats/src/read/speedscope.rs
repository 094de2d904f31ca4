//! The reader of speedscope's own format.

use std::borrow::Cow;
use std::io;

use serde::Deserialize;

use super::builder::{Builder, Site};
use super::number::whole;
use super::{MAX_DEPTH, damaged, not_json};
use crate::call_tree::{CallTree, Event, Unit};

#[derive(Deserialize)]
struct File<'f> {
    #[serde(borrow, default)]
    name: Cow<'f, str>,
    #[serde(borrow)]
    shared: Shared<'f>,
    #[serde(borrow)]
    profiles: Vec<Profile<'f>>,
}

#[derive(Deserialize)]
struct Shared<'f> {
    #[serde(borrow)]
    frames: Vec<Frame<'f>>,
}

#[derive(Deserialize)]
struct Frame<'f> {
    #[serde(borrow)]
    name: Cow<'f, str>,
    #[serde(borrow, default)]
    file: Option<Cow<'f, str>>,
    #[serde(default)]
    line: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'f> {
    #[serde(borrow, default)]
    name: Cow<'f, str>,
    #[serde(borrow)]
    unit: Cow<'f, str>,
    #[serde(default)]
    samples: Vec<Vec<usize>>,
    #[serde(default)]
    weights: Vec<f64>,
    #[serde(borrow, default)]
    events: Vec<Change<'f>>,
}

/// The beginning or the end of a call.
#[derive(Deserialize)]
struct Change<'f> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'f, str>,
    frame: usize,
    at: f64,
}

/// The most profiles of a file. Each is a number of every node.
const MAX_PROFILES: usize = 64;

pub(super) fn read(content: &[u8]) -> io::Result<CallTree> {
    let file: File<'_> = serde_json::from_slice(content).map_err(|error| not_json("speedscope", &error))?;
    if file.profiles.len() > MAX_PROFILES {
        return Err(damaged(format!("has more than {MAX_PROFILES} profiles")));
    }
    let mut events: Vec<Event> = Vec::new();
    let mut scales = Vec::new();
    for profile in &file.profiles {
        let (unit, scale) = unit(&profile.unit)?;
        events.push(event(&profile.name, unit, &events));
        scales.push(scale);
    }
    let mut tree = Builder::new(&file.name, events);
    let site = |frame: &Frame<'_>| tree.site(&frame.name, frame.file.as_deref(), frame.line);
    let sites: Vec<Site> = file.shared.frames.iter().map(site).collect();
    for (event, (profile, scale)) in file.profiles.iter().zip(scales).enumerate() {
        read_samples(profile, event, scale, &sites, &mut tree)?;
        read_changes(profile, event, scale, &sites, &mut tree)?;
    }
    Ok(tree.finish())
}

fn read_samples(
    profile: &Profile<'_>,
    event: usize,
    scale: f64,
    sites: &[Site],
    tree: &mut Builder,
) -> io::Result<()> {
    if profile.samples.len() != profile.weights.len() {
        return Err(damaged("has not as many weights as samples"));
    }
    for (stack, weight) in profile.samples.iter().zip(&profile.weights) {
        if stack.len() > MAX_DEPTH {
            return Err(damaged(format!("has more than {MAX_DEPTH} functions in a stack")));
        }
        let mut at = None;
        for frame in stack {
            at = Some(tree.place(at, frame_of(*frame, sites)?)?);
        }
        let weight = whole(*weight, scale)?;
        at.into_iter().for_each(|at| tree.add(at, event, weight));
    }
    Ok(())
}

/// The time between two changes belongs to the innermost call.
fn read_changes(
    profile: &Profile<'_>,
    event: usize,
    scale: f64,
    sites: &[Site],
    tree: &mut Builder,
) -> io::Result<()> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut before = None;
    for change in &profile.events {
        let now = whole(change.at, scale)?;
        let time = before.replace(now).map_or(0, |before| now - before);
        if let Some((_, at)) = open.last() {
            tree.add(*at, event, time);
        }
        match &*change.kind {
            "O" if open.len() < MAX_DEPTH => {
                let at = tree.place(open.last().map(|(_, at)| *at), frame_of(change.frame, sites)?)?;
                tree.add_call(at);
                open.push((change.frame, at));
            }
            "C" if open.last().is_some_and(|(frame, _)| *frame == change.frame) => drop(open.pop()),
            _ => return Err(damaged("has calls that do not end in the opposite order of their beginnings")),
        }
    }
    Ok(())
}

fn frame_of(frame: usize, sites: &[Site]) -> io::Result<&Site> {
    sites.get(frame).ok_or_else(|| damaged(format!("has no frame {frame}, which a stack names")))
}

/// The unit of a profile, and how many of the unit here make one there.
fn unit(name: &str) -> io::Result<(Unit, f64)> {
    Ok(match name {
        "bytes" => (Unit::Bytes, 1.0),
        "none" => (Unit::Count, 1.0),
        "nanoseconds" => (Unit::Nanoseconds, 1.0),
        "microseconds" => (Unit::Nanoseconds, 1e3),
        "milliseconds" => (Unit::Nanoseconds, 1e6),
        "seconds" => (Unit::Nanoseconds, 1e9),
        _ => return Err(damaged("has a unit that speedscope does not know")),
    })
}

/// An event with the name of a profile, if it can be one. Otherwise the name says its unit.
fn event(name: &str, unit: Unit, before: &[Event]) -> Event {
    let is_name = name.len() <= 32
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let of_unit = match unit {
        Unit::Bytes => "Bytes",
        Unit::Nanoseconds => "Time",
        Unit::Count => "Samples",
    };
    let first = if is_name { name } else { of_unit };
    let is_free = |name: &String| before.iter().all(|event| event.name != *name);
    let mut names = [first.to_owned()].into_iter().chain((2..).map(|number| format!("{first}{number}")));
    let free = names.find(is_free).unwrap_or_default();
    Event::new(free, format!("{} of speedscope", unit.name()), unit)
}
