//! Finds the frames of addresses, and remembers them from one profile to the next.

use std::io;

use rustc_hash::FxHashSet;

use super::files::LoadObject;
use super::frames::{Frame, FrameTable};
use super::gap::SymbolGap;
use super::identity;
use super::known_code::KnownCode;
use super::program_names::SymbolTier;
use super::stand_in::UNLOADED;
use super::unloaded::Unloaded;
use crate::mapping::{Mapping, mapping_of};
use crate::profile::HeapProfile;

/// Finds the frames of addresses. It remembers them, and reads files only for new addresses.
///
/// It keeps little: each name once, eight bytes per frame, twenty per address. It forgets everything when the
/// program's mappings change (a library was loaded or unloaded), or when it would exceed its bound.
#[derive(Debug, Default)]
pub struct Symbolizer {
    code: KnownCode,
    /// The mappings that the frames belong to, in order.
    pub(crate) mappings: Vec<Mapping>,
    unloaded: Unloaded,
    /// Changes whenever all frames were forgotten. Everything derived from frames must then be forgotten, too.
    pub(crate) generation: u64,
}

impl Symbolizer {
    /// Bound on the remembered addresses. A service of some hundred thousand lines has a few thousand.
    const MAX_ADDRESSES: usize = 1 << 18;

    /// Makes a symbolizer that knows nothing yet. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks up the frames of every address in the profile.
    ///
    /// If a file cannot be read or parsed, its addresses stay without names. [`Symbolizer::gaps`] says why.
    pub fn resolve(&mut self, profile: &HeapProfile, files: &dyn LoadObject) {
        self.forget_others(profile.mappings());
        self.resolve_addresses(profile.addresses.iter().copied(), files);
    }

    /// The names of the functions that begin at these addresses, with their generic arguments: `poll<app::Mail, S>`. They come
    /// from debug information, because symbols under the legacy mangling have no arguments. A name is the last segment of a
    /// path. `None` where debug information has no function: with line tables alone, it has those into which others are inlined.
    pub fn instances(
        &mut self,
        mappings: &[Mapping],
        starts: &[u64],
        files: &dyn LoadObject,
    ) -> Vec<Option<String>> {
        self.forget_others(mappings);
        // Frames belong to return addresses, the first of which is one byte into the function.
        let returns = || starts.iter().map(|start| start.saturating_add(1));
        self.resolve_addresses(returns(), files);
        let name = |address| {
            // Inlined functions come first.
            let frame = self.frames(address).last()?;
            let function = self.table().function(frame.function);
            let name = function.name.as_deref().filter(|name| !function.is_symbol && !name.is_empty());
            name.map(str::to_owned)
        };
        returns().map(name).collect()
    }

    /// Forgets the frames of other mappings, and all frames if there are too many.
    pub(crate) fn forget_others(&mut self, mappings: &[Mapping]) {
        let is_known = self.knows(mappings) && !self.code.is_incomplete;
        if !is_known || self.code.spans.len() > Self::MAX_ADDRESSES {
            let mut unloaded = std::mem::take(&mut self.unloaded);
            unloaded.learn(&self.mappings, mappings, self.code.spans.keys().copied());
            *self = Self { generation: self.generation + 1, unloaded, ..Self::default() };
            self.mappings = mappings.to_vec();
        }
    }

    /// Looks up the frames of addresses in these mappings.
    pub(crate) fn resolve_addresses(&mut self, addresses: impl Iterator<Item = u64>, files: &dyn LoadObject) {
        // Stacks share most of their addresses.
        let unknown: FxHashSet<u64> =
            addresses.filter(|address| !self.code.spans.contains_key(address)).collect();
        let mut unknown: Vec<u64> = unknown.into_iter().collect();
        unknown.sort_unstable();
        if unknown.is_empty() {
            return;
        }
        let mappings = self.mappings.clone();
        self.name_unloaded(&mut unknown);
        let mut rest = &unknown[..];
        for mapping in &mappings {
            // The call is before the return address, which can be the first address after the mapping.
            rest = &rest[rest.partition_point(|address| *address <= mapping.start)..];
            let (here, beyond) = rest.split_at(rest.partition_point(|address| *address <= mapping.end));
            if !here.is_empty() {
                if mapping.has_file() {
                    self.code.resolve_in(mapping, here, files);
                }
                self.code.name_after_file(mapping, here);
            }
            rest = beyond;
        }
        let nothing = self.code.table.push_frames([]);
        for address in unknown {
            self.code.spans.entry(address).or_insert(nothing);
        }
        self.code.table.shrink_to_fit();
        self.code.spans.shrink_to_fit();
    }

    /// Whether the known frames belong to these files. Code generated at run time comes and goes, and does not count.
    /// One profile may have read the build-ids of its files and another not. A new build-id matters only if a file
    /// gave no names.
    fn knows(&mut self, mappings: &[Mapping]) -> bool {
        let has_file = |mapping: &&Mapping| mapping.has_file();
        let pairs = || self.mappings.iter().filter(has_file).zip(mappings.iter().filter(has_file));
        let count = |mappings: &[Mapping]| mappings.iter().filter(has_file).count();
        let is_same = count(&self.mappings) == count(mappings)
            && pairs().all(|(known, mapping)| known.agrees_with(mapping));
        let is_new = pairs().any(|(known, mapping)| known.build_id.is_none() && mapping.build_id.is_some());
        if is_same && self.mappings != mappings {
            self.mappings = mappings.to_vec();
        }
        is_same && (!is_new || self.code.gaps.is_empty())
    }

    /// The tier of most of the program's own code. The majority counts, because even a binary without debug
    /// information has some for parts that were compiled elsewhere.
    pub fn tier(&self) -> SymbolTier {
        self.code.program.tier()
    }

    /// Files with fewer names than they could have, each with the true reason. The program comes first.
    pub fn gaps(&self) -> Vec<SymbolGap> {
        let (of_program, of_libraries): (Vec<_>, Vec<_>) =
            self.code.gaps.iter().cloned().partition(|gap| gap.is_program);
        let program = self.mappings.iter().find(|mapping| mapping.is_program && of_program.is_empty());
        let inferred =
            program.and_then(|program| self.code.program.gap(program, !self.code.spans.is_empty()));
        inferred.into_iter().chain(of_program).chain(of_libraries).collect()
    }

    /// Reads the missing build-ids of the files.
    pub(crate) fn read_build_ids(&mut self, files: &dyn LoadObject) {
        identity::read_build_ids(&mut self.mappings, files);
    }

    pub(crate) fn table(&self) -> &FrameTable {
        &self.code.table
    }

    /// The frames of an address, innermost first. Empty if no frame is known.
    pub(crate) fn frames(&self, address: u64) -> &[Frame] {
        self.code.spans.get(&address).map_or(&[], |span| self.code.table.frames(*span))
    }

    /// Removes the addresses that no file contains any more, and names them. Otherwise the frames around would look
    /// adjacent.
    fn name_unloaded(&mut self, addresses: &mut Vec<u64>) {
        // Without mappings, nothing is known about any address.
        if self.mappings.is_empty() {
            return;
        }
        let (mappings, unloaded) = (&self.mappings, &self.unloaded);
        let is_unloaded = |address: &mut u64| {
            let call = address.saturating_sub(1);
            mapping_of(mappings, call).is_none() || unloaded.contains(*address)
        };
        let gone: Vec<u64> = addresses.extract_if(.., is_unloaded).collect();
        self.code.name_all(UNLOADED, &gone);
    }

    /// Records that a file could not be read.
    pub(crate) fn note_unreadable(&mut self, mapping: &Mapping, error: &io::Error) {
        self.code.note(SymbolGap::unreadable(mapping, error));
    }
}

#[cfg(test)]
mod tests;
