//! The reader of `.cpuprofile`.

use std::borrow::Cow;
use std::io;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::builder::Builder;
use super::number::whole;
use super::{MAX_DEPTH, damaged, not_json};
use crate::call_tree::{CallTree, Event, Unit};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'f> {
    #[serde(borrow)]
    nodes: Vec<Node<'f>>,
    start_time: f64,
    end_time: f64,
    #[serde(default)]
    samples: Vec<u64>,
    #[serde(default)]
    time_deltas: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node<'f> {
    id: u64,
    #[serde(borrow)]
    call_frame: Frame<'f>,
    #[serde(default)]
    hit_count: f64,
    #[serde(default)]
    children: Vec<u64>,
    parent: Option<u64>,
}

/// A function, as the protocol of DevTools describes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Frame<'f> {
    #[serde(borrow)]
    function_name: Cow<'f, str>,
    #[serde(borrow, default)]
    url: Cow<'f, str>,
    #[serde(default)]
    line_number: Option<i64>,
}

impl Frame<'_> {
    /// The place of the function below its caller. Lines count from 0 in the file.
    pub(super) fn place(&self, caller: Option<usize>, tree: &mut Builder) -> io::Result<usize> {
        let line = self.line_number.and_then(|line| u32::try_from(line.checked_add(1)?).ok());
        let site = tree.site(&self.function_name, Some(&self.url), line);
        tree.place(caller, &site)
    }
}

/// Nanoseconds of a microsecond.
const MICROSECOND: f64 = 1_000.0;

pub(super) fn read(content: &[u8]) -> io::Result<CallTree> {
    let profile: Profile<'_> =
        serde_json::from_slice(content).map_err(|error| not_json("cpuprofile", &error))?;
    let times = profile.times()?;
    let mut tree = Builder::new("CPU profile", vec![Event::new("Busy", "busy time", Unit::Nanoseconds)]);
    let by_id: FxHashMap<u64, &Node<'_>> = profile.nodes.iter().map(|node| (node.id, node)).collect();
    let mut children: FxHashMap<u64, Vec<u64>> = FxHashMap::default();
    for node in &profile.nodes {
        children.entry(node.id).or_default().extend(&node.children);
        node.parent.into_iter().for_each(|parent| children.entry(parent).or_default().push(node.id));
    }
    let root = profile.nodes.first().ok_or_else(|| damaged("has no nodes"))?;
    let mut left = profile.nodes.len();
    let mut open = vec![(root.id, None, 0)];
    while let Some((id, caller, depth)) = open.pop() {
        let node = by_id
            .get(&id)
            .ok_or_else(|| damaged(format!("has no node {id}, which is a child of another")))?;
        // With more nodes than there are, a node is its own caller.
        left = left
            .checked_sub(1)
            .filter(|_| depth <= MAX_DEPTH)
            .ok_or_else(|| damaged("has nodes in a circle"))?;
        let time = times.get(&id).copied().unwrap_or(0);
        let at = if depth == 0 && time == 0 { None } else { Some(node.call_frame.place(caller, &mut tree)?) };
        at.into_iter().for_each(|at| tree.add(at, 0, time));
        let below = children.get(&id).into_iter().flatten().rev();
        open.extend(below.map(|child| (*child, at, depth + 1)));
    }
    Ok(tree.finish())
}

impl Profile<'_> {
    /// The time of each node in nanoseconds.
    fn times(&self) -> io::Result<FxHashMap<u64, i64>> {
        let mut times: FxHashMap<u64, i64> = FxHashMap::default();
        let mut add = |id: u64, microseconds: f64| {
            let time = times.entry(id).or_default();
            *time = time.saturating_add(whole(microseconds, MICROSECOND)?);
            io::Result::Ok(())
        };
        if self.samples.is_empty() {
            let hits: f64 = self.nodes.iter().map(|node| node.hit_count).sum();
            let time_of_hit = if hits > 0.0 { (self.end_time - self.start_time) / hits } else { 0.0 };
            self.nodes.iter().try_for_each(|node| add(node.id, node.hit_count * time_of_hit))?;
            return Ok(times);
        }
        if self.samples.len() != self.time_deltas.len() {
            return Err(damaged("has not as many times as samples"));
        }
        // A sample lasts until the next one, and the last sample until the end.
        let last = self.end_time - self.start_time - self.time_deltas.iter().sum::<f64>();
        let lasts = self.time_deltas[1..].iter().copied().chain([last.max(0.0)]);
        self.samples.iter().zip(lasts).try_for_each(|(id, time)| add(*id, time))?;
        Ok(times)
    }
}
