//! Interned frames: each name and each frame is stored once, even if many stacks contain it.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

/// A source position in a function, inlined or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Frame {
    pub(crate) function: FunctionHandle,
    /// 1-based; 0 if unknown.
    pub(crate) line: u32,
}

/// A function: one instance of generic code in one source file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Function {
    /// `DW_AT_name` with generic arguments, `insert<alloc::string::String, app::Session>`. Without DWARF, the
    /// demangled symbol. `None` without a symbol.
    pub(crate) name: Option<Arc<str>>,
    /// Whether `name` is a demangled symbol (a path), rather than a `DW_AT_name` (the last segment of a path).
    pub(crate) is_symbol: bool,
    /// Source file, without the part that depends on the build machine.
    pub(crate) file: Option<Arc<str>>,
    /// Line where the code of a closure or future begins, 1-based. It identifies code without a name of its own. 0
    /// for functions with a name, and if unknown.
    pub(crate) first_line: u32,
}

impl Function {
    /// A function that is identified by its name and file.
    pub(crate) fn new(name: Option<Arc<str>>, is_symbol: bool, file: Option<Arc<str>>) -> Self {
        Self { name, is_symbol, file, first_line: 0 }
    }
}

/// Index of a [`Function`] in a [`FrameTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FunctionHandle(u32);

/// Position of an address's frames, innermost inlined frame first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameSpan {
    start: u32,
    len: u32,
}

/// All functions and frames found so far.
#[derive(Debug, Default)]
pub(crate) struct FrameTable {
    strings: FxHashSet<Arc<str>>,
    functions: Vec<Function>,
    handles: FxHashMap<Function, FunctionHandle>,
    frames: Vec<Frame>,
}

impl FrameTable {
    pub(crate) fn string(&mut self, text: &str) -> Arc<str> {
        if let Some(string) = self.strings.get(text) {
            return Arc::clone(string);
        }
        let string: Arc<str> = Arc::from(text);
        self.strings.insert(Arc::clone(&string));
        string
    }

    pub(crate) fn function_handle(&mut self, function: Function) -> FunctionHandle {
        if let Some(handle) = self.handles.get(&function) {
            return *handle;
        }
        // Saturates rather than fails: the table is emptied long before 2^32 functions (`Symbolizer::MAX_ADDRESSES`).
        let handle = FunctionHandle(u32::try_from(self.functions.len()).unwrap_or(u32::MAX));
        self.functions.push(function.clone());
        self.handles.insert(function, handle);
        handle
    }

    pub(crate) fn push_frames(&mut self, frames: impl IntoIterator<Item = Frame>) -> FrameSpan {
        let start = self.frames.len();
        self.frames.extend(frames);
        let len = self.frames.len() - start;
        FrameSpan { start: u32::try_from(start).unwrap_or(u32::MAX), len: u32::try_from(len).unwrap_or(0) }
    }

    pub(crate) fn frames(&self, span: FrameSpan) -> &[Frame] {
        let start = span.start as usize;
        self.frames.get(start..start + span.len as usize).unwrap_or_default()
    }

    /// Whether any function of these frames has a name.
    pub(crate) fn has_names(&self, span: FrameSpan) -> bool {
        self.frames(span).iter().any(|frame| self.function(frame.function).name.is_some())
    }

    pub(crate) fn function(&self, handle: FunctionHandle) -> &Function {
        &self.functions[handle.0 as usize]
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.functions.shrink_to_fit();
        self.frames.shrink_to_fit();
    }
}

impl FunctionHandle {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}
