//! The roots at which chains end.

use std::collections::BTreeMap;

use crate::description::Owner;
use crate::holders_report::{HolderRoot, RootKind};
use crate::input::{ScanInput, Symbols};
use crate::memory::Hidden;
use crate::objects::Names;

/// The roots at which chains end.
pub(super) struct RootNames<'a> {
    input: &'a ScanInput,
    symbols: &'a dyn Symbols,
    words: &'a [Hidden],
    /// The hidden beginnings of all roots, in the order of their addresses.
    spans: Vec<(Hidden, usize)>,
    known: BTreeMap<(RootKind, Option<u32>), u32>,
    pub(super) list: Vec<HolderRoot>,
    /// For each root of the list what it belongs to.
    pub(super) owners: Vec<Owner>,
    /// What the names of the program's own variables begin with.
    program: Option<String>,
    /// For each word of a root its root, as an index into `list`. Words that no chain needs have `u32::MAX`.
    pub(super) of_words: Vec<u32>,
}

impl<'a> RootNames<'a> {
    pub(super) fn new(input: &'a ScanInput, symbols: &'a dyn Symbols, words: &'a [Hidden]) -> Self {
        let mut spans: Vec<(Hidden, usize)> =
            input.roots.iter().enumerate().map(|(at, root)| (root.span.start, at)).collect();
        spans.sort_unstable_by_key(|(start, _)| start.address());
        let of_words = vec![u32::MAX; words.len()];
        Self {
            input,
            symbols,
            words,
            spans,
            known: BTreeMap::new(),
            list: Vec::new(),
            owners: Vec::new(),
            program: symbols.program_crate().map(|name| name + "::"),
            of_words,
        }
    }

    /// The root in which a word lies, as an index into `list`. `u32::MAX` if there is no such word.
    pub(super) fn index_of(&mut self, word_index: usize, names: &mut Names) -> u32 {
        let (Some(known), Some(word)) = (self.of_words.get(word_index), self.words.get(word_index)) else {
            return u32::MAX;
        };
        if *known != u32::MAX {
            return *known;
        }
        let before =
            self.spans.partition_point(|(start, _)| start.address() <= word.address()).checked_sub(1);
        let root = before.and_then(|at| self.spans.get(at)).and_then(|(_, at)| self.input.roots.get(*at));
        let (kind, own_name) = root.map_or((RootKind::Mapping, None), |root| (root.kind, root.name.clone()));
        let symbol = match kind {
            RootKind::Static => self.symbols.static_at(*word),
            RootKind::ThreadLocal => self.symbols.thread_local_at(*word),
            _ => None,
        };
        let name = symbol.or(own_name).filter(|name| !name.is_empty());
        let key = (kind, name.as_ref().map(|name| names.intern(name.clone())));
        let next = self.list.len() as u32;
        let index = *self.known.entry(key).or_insert(next);
        if index == next {
            let is_of_program = || name.as_deref()?.strip_prefix(self.program.as_deref()?);
            self.owners.push(match root {
                Some(root) if root.is_own => Owner::Scanner,
                _ if is_of_program().is_some() => Owner::Program,
                _ => Owner::Other,
            });
            self.list.push(HolderRoot { kind, name, also: Vec::new() });
        }
        if let Some(entry) = self.of_words.get_mut(word_index) {
            *entry = index;
        }
        index
    }
}
