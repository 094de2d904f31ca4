//! The state of a visit: where it is, what it found, and how far it may still go.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use memory_debug_report::FieldRow;

/// Bounds of a visit, so that no value, however large or deep, can harm the service.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most nested steps. The visit recurses, and running out of stack ends the process. A step takes some 200 bytes
    /// of stack in a debug build, and a kilobyte with structs of many fields; threads have 2 MiB.
    pub depth: usize,
    /// Most steps through all roots together. They take about a second, during which locks on the way are held.
    pub values: u64,
    /// Most parts of one root. Any further part is added to the part above it.
    pub parts: usize,
    /// Most `Arc`s with more than one handle, over all roots together. Remembering them takes some 10 MB.
    pub shared: usize,
    /// Most waits of a millisecond for a held lock, over all roots together.
    pub lock_waits: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 1_000, values: 20_000_000, parts: 4_096, shared: 1 << 18, lock_waits: 100 }
    }
}

/// Most waits for one lock.
const WAITS_A_LOCK: u32 = 10;

/// The visit of all roots.
#[derive(Debug)]
pub struct Walk {
    left: Limits,
    /// Which root counts the value at an address.
    owners: HashMap<usize, usize>,
    root: usize,
    parts: Vec<Part>,
    frames: Vec<Frame>,
    gaps: Gaps,
    elsewhere: BTreeMap<usize, u64>,
}

/// All values at one path from the root.
#[derive(Debug)]
struct Part {
    field: &'static str,
    parent: usize,
    children: Vec<usize>,
    type_name: Option<&'static str>,
    values: u64,
    bytes: u64,
    shared: bool,
}

/// A value, or memory that it owns, that is being visited.
#[derive(Debug)]
struct Frame {
    part: usize,
    /// Size of the value or memory, in bytes.
    size: u64,
    /// The bytes that were counted as parts inside it.
    inside: u64,
    shared: bool,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default)]
struct Gaps {
    too_deep: u64,
    too_many_values: bool,
    too_many_shared: u64,
    held_locks: u64,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A step to a field, inside the bytes of the value above.
    Field(&'static str),
    /// A step to a field's own type, inside the field's bytes.
    Type(&'static str),
    /// A step to memory outside the bytes of the value above, which that value owns or shares.
    Heap { shared: bool },
}

/// The memory that one root holds.
#[derive(Debug)]
pub struct Found {
    /// Its parts.
    pub fields: Vec<FieldRow>,
    /// All of its bytes.
    pub retained_bytes: u64,
    /// What was left out, one sentence each.
    pub not_counted: Vec<String>,
    /// Number of pointers to values that were counted in another root, by that root.
    pub elsewhere: BTreeMap<usize, u64>,
}

impl Walk {
    /// A visit within `limits` that has not begun.
    pub fn new(limits: Limits) -> Self {
        Self {
            left: limits,
            owners: HashMap::new(),
            root: 0,
            parts: Vec::new(),
            frames: Vec::new(),
            gaps: Gaps::default(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// Records that the value at `address` is a root of its own, whichever root reaches it first.
    pub fn reserve(&mut self, root: usize, address: usize) {
        self.owners.entry(address).or_insert(root);
    }

    /// Whether any of the bounds has room left.
    pub fn is_exhausted(&self) -> bool {
        self.left.values == 0
    }

    /// Begins with a root.
    pub fn begin(&mut self, root: usize) {
        self.root = root;
        self.frames.clear();
        self.parts = vec![Part::new("", 0, false)];
        self.gaps = Gaps::default();
        self.elsewhere.clear();
    }

    /// Whether this root counts the value at `address`. If not, records which root does.
    pub fn owns(&mut self, address: usize) -> bool {
        match self.owners.get(&address) {
            Some(root) if *root == self.root => true,
            Some(root) => {
                *self.elsewhere.entry(*root).or_default() += 1;
                false
            }
            None => false,
        }
    }

    /// Whether the shared value at `address` is reached for the first time.
    pub(crate) fn claim(&mut self, address: usize) -> bool {
        if self.owners.contains_key(&address) {
            // Records the value of another root. A value of this root was counted when it was first reached.
            self.owns(address);
            return false;
        }
        if self.owners.len() >= self.left.shared {
            self.gaps.too_many_shared += 1;
            return false;
        }
        self.owners.insert(address, self.root);
        true
    }

    /// Takes a step. [`leave`](Self::leave) undoes it, given the result: how many steps had been taken before.
    /// `None` if the step is refused.
    pub(crate) fn enter(&mut self, step: Step, size: usize) -> Option<usize> {
        let before = self.frames.len();
        if before >= self.left.depth {
            self.gaps.too_deep += 1;
            return None;
        }
        let Some(left) = self.left.values.checked_sub(1) else {
            self.gaps.too_many_values = true;
            return None;
        };
        self.left.values = left;
        let size = size as u64;
        let (at, mut shared) = self.frames.last().map_or((0, false), |frame| (frame.part, frame.shared));
        let part = match step {
            Step::Field(name) => self.part_of_field(at, name, shared),
            Step::Type(name) => self.part_of_type(at, name),
            Step::Heap { shared: behind } => {
                shared |= behind;
                self.parts[at].shared |= behind;
                at
            }
        };
        if let (Step::Field(_) | Step::Type(_), Some(above)) = (step, self.frames.last_mut()) {
            above.inside = above.inside.saturating_add(size);
        }
        self.frames.push(Frame { part, size, inside: 0, shared });
        Some(before)
    }

    /// Undoes all steps but the first `before`: one step, or more if a visit forgot to drop a visitor. Counts
    /// what each value or memory holds besides its parts.
    pub(crate) fn leave(&mut self, before: usize) {
        for frame in self.frames.drain(before.min(self.frames.len())..) {
            let own = frame.size.saturating_sub(frame.inside);
            let part = &mut self.parts[frame.part];
            part.bytes = part.bytes.saturating_add(own);
        }
    }

    fn part_of_field(&mut self, at: usize, field: &'static str, shared: bool) -> usize {
        let known = self.parts[at].children.iter().copied().find(|child| self.parts[*child].field == field);
        let part = match known {
            Some(part) => part,
            None if self.parts.len() >= self.left.parts => return at,
            None => {
                self.parts.push(Part::new(field, at, shared));
                let part = self.parts.len() - 1;
                self.parts[at].children.push(part);
                part
            }
        };
        self.parts[part].values += 1;
        part
    }

    /// The part for a type that is already being visited, if there is one. So a recursive type is one part, not
    /// one part per level.
    fn part_of_type(&mut self, at: usize, type_name: &'static str) -> usize {
        let has = |part: usize| self.parts[part].type_name == Some(type_name);
        if has(at) {
            return at;
        }
        if let Some(part) = self.frames.iter().rev().map(|frame| frame.part).find(|part| has(*part)) {
            self.parts[part].values += 1;
            return part;
        }
        // Inside an `Option<Box<_>>` the part keeps the type of the whole.
        self.parts[at].type_name.get_or_insert(type_name);
        at
    }

    /// Waits a little for a held lock. `None` if it stays held, which is recorded.
    pub(crate) fn lock<G>(&mut self, mut attempt: impl FnMut() -> Option<G>) -> Option<G> {
        for _ in 0..WAITS_A_LOCK {
            if let Some(guard) = attempt() {
                return Some(guard);
            }
            let Some(left) = self.left.lock_waits.checked_sub(1) else { break };
            self.left.lock_waits = left;
            std::thread::sleep(Duration::from_millis(1));
        }
        let guard = attempt();
        self.gaps.held_locks += u64::from(guard.is_none());
        guard
    }

    /// Forgets a visit that did not end. Values that it had claimed are free for the next root.
    pub fn abandon(&mut self, reserved: Option<usize>) {
        let root = self.root;
        self.owners.retain(|address, owner| *owner != root || Some(*address) == reserved);
        self.frames.clear();
    }

    /// The memory that the root holds, by part, largest first.
    pub fn finish(&mut self) -> Found {
        self.leave(0);
        let retained_bytes = self.parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.bytes));
        let mut fields: Vec<FieldRow> = (0..self.parts.len()).filter_map(|part| self.row(part)).collect();
        fields.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.field.cmp(&b.field)));
        Found {
            fields,
            retained_bytes,
            not_counted: self.gaps.describe(&self.left),
            elsewhere: std::mem::take(&mut self.elsewhere),
        }
    }

    fn row(&self, index: usize) -> Option<FieldRow> {
        let part = &self.parts[index];
        if part.bytes == 0 {
            return None;
        }
        let full_type = part.type_name.unwrap_or_default();
        let mut row = FieldRow::default();
        row.field = self.path(index);
        row.type_name = memory_debug_profile::readable_type_name(full_type);
        row.full_type = full_type.to_owned();
        row.values = part.values;
        row.bytes = part.bytes;
        row.shared = part.shared;
        Some(row)
    }

    fn path(&self, mut index: usize) -> String {
        let mut names = Vec::new();
        while index != 0 {
            names.push(self.parts[index].field);
            index = self.parts[index].parent;
        }
        names.reverse();
        names.join(".")
    }
}

impl Part {
    fn new(field: &'static str, parent: usize, shared: bool) -> Self {
        let values = u64::from(field.is_empty());
        Self { field, parent, children: Vec::new(), type_name: None, values, bytes: 0, shared }
    }
}

impl Gaps {
    fn describe(&self, limits: &Limits) -> Vec<String> {
        let mut gaps = Vec::new();
        if self.held_locks > 0 {
            gaps.push(format!("the contents of {} locks that stayed held", self.held_locks));
        }
        if self.too_deep > 0 {
            gaps.push(format!("values nested deeper than {} steps, {} times", limits.depth, self.too_deep));
        }
        if self.too_many_values {
            gaps.push("values beyond the number that one collection visits".to_owned());
        }
        if self.too_many_shared > 0 {
            gaps.push(format!(
                "values shared by {} pointers, beyond the first {} shared values",
                self.too_many_shared, limits.shared
            ));
        }
        gaps
    }
}
