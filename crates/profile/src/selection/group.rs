//! The grouping of stacks into rows, and the selection of stacks.

use super::traceback::TracebackDepth;

/// What a row stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Group {
    /// The type that owns the allocation: `Vec<Session>`.
    #[default]
    Container,
    /// The element of a container, over all containers: `Session`. For a map, its value.
    Element,
    /// The innermost function of the service itself.
    Function,
    /// The source file of that function.
    File,
    /// The line in that file.
    Line,
    /// The innermost crate outside the standard library.
    Crate,
    /// The thread that allocated. Threads of one name are one row.
    Thread,
    /// The thread that allocated, each thread by itself, by jemalloc's number (not the kernel's).
    ThreadId,
    /// The allocator's size class of the objects.
    SizeClass,
    /// The innermost frames of the stack with their lines, as many as [`Selection::depth`] says: `alloc::vec::push:9
    /// ← read (src/upload.rs:17)`. The first frame is the function that was called on a container. The layers below
    /// it, down to the allocator, are left out.
    Traceback,
    /// The age of the memory, in ranges. Only the live heap has ages; a profile with symbols has one row.
    Age,
    /// The route that allocated, as live samples know it. Only the live heap has routes; a profile with symbols has one
    /// row.
    Route,
}

impl Group {
    /// All groups, the default first.
    pub const ALL: [Self; 12] = [
        Self::Container,
        Self::Element,
        Self::Function,
        Self::File,
        Self::Line,
        Self::Crate,
        Self::Thread,
        Self::ThreadId,
        Self::SizeClass,
        Self::Traceback,
        Self::Age,
        Self::Route,
    ];

    /// The name in requests and reports: `size_class`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Element => "element",
            Self::Function => "function",
            Self::File => "file",
            Self::Line => "line",
            Self::Crate => "crate",
            Self::Thread => "thread",
            Self::ThreadId => "thread_id",
            Self::SizeClass => "size_class",
            Self::Traceback => "traceback",
            Self::Age => "age",
            Self::Route => "route",
        }
    }

    /// Whether the group needs live samples, which only the live heap has. Exports do not keep them. Snapshots keep their
    /// sums over all stacks ([`Births`](crate::Births)).
    pub fn needs_live_samples(self) -> bool {
        matches!(self, Self::Age | Self::Route)
    }

    /// Finds a group by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == name)
    }
}

/// The row of memory of which no route is recorded.
pub(crate) const NO_ROUTE_RECORDED: &str = "(route not recorded)";

/// Which stacks count, and how they are summed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Selection {
    /// What a row stands for.
    pub group: Group,
    /// Only stacks with this literal text in the name or file of a frame. Like pprof's `-focus`, which takes a pattern.
    pub focus: Option<String>,
    /// No stacks with this literal text in the name or file of a frame. Like pprof's `-ignore`, which takes a pattern.
    pub ignore: Option<String>,
    /// How many frames a row has. Only for tracebacks.
    pub depth: TracebackDepth,
}

impl From<Group> for Selection {
    fn from(group: Group) -> Self {
        Self { group, ..Self::default() }
    }
}

impl Selection {
    /// A selection by group, focus and ignore.
    pub fn new(group: Group, focus: Option<String>, ignore: Option<String>) -> Self {
        Self { group, focus, ignore, depth: TracebackDepth::default() }
    }

    /// One row for each traceback of at most `depth` frames.
    pub fn by_traceback(depth: TracebackDepth) -> Self {
        Self { group: Group::Traceback, depth, ..Self::default() }
    }

    /// Whether a stack counts, given the texts of its frames.
    pub(crate) fn admits<'a>(&self, texts: impl Fn() -> Box<dyn Iterator<Item = &'a str> + 'a>) -> bool {
        let found = |wanted: &String| texts().any(|text| text.contains(wanted.as_str()));
        self.focus.as_ref().is_none_or(found) && !self.ignore.as_ref().is_some_and(found)
    }
}
