//! One scan, from the memory of the process to chains of holders.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::back_pointers::BackPointers;
use crate::chain::{Chain, Walker, Ways};
use crate::description::description_bits;
use crate::excluded::doubt_excluded;
use crate::holders_report::{Coverage, HolderRoot, RootKind};
use crate::input::{ScanInput, Symbols};
use crate::mark::{Mark, mark};
use crate::memory::{Hidden, Memory};
use crate::names::{Evidence, Link, name_objects};
use crate::objects::{Name, Names, Objects};
use crate::page_map::{Found, PageMap};
use crate::spare::doubt_spare_capacity;
use crate::unreached::{Unreached, follow_unreached};

/// The most pointers to one sample that become chains.
const MAX_CHAINS: usize = 16;

/// Whether a scan reached a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// From a root.
    Yes,
    /// No pointer to it was found in all memory that was read.
    No,
    /// The page map does not have it, or the scan ended early.
    Unknown,
}

/// One scan.
#[derive(Debug)]
pub struct Scan;

/// What one scan found. It has no address: only indices, sizes and names.
#[derive(Clone, Debug)]
pub struct ScanResult {
    pub(crate) samples: Vec<SampleResult>,
    pub(crate) objects: Vec<HeldObject>,
    /// Holder and held of objects that no root reaches, sorted.
    pub(crate) unreached: Vec<(u32, u32)>,
    pub(crate) names: Names,
    pub(crate) roots: Vec<HolderRoot>,
    pub(crate) coverage: Coverage,
    own_bytes: u64,
}

/// What a scan found about one sample.
#[derive(Clone, Debug)]
pub(crate) struct SampleResult {
    pub(crate) sequence: u64,
    pub(crate) reached: Reached,
    /// Its object, if an unreached object is or holds it.
    pub(crate) object: Option<u32>,
    pub(crate) chains: Vec<ResultChain>,
}

/// An object of a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldObject {
    pub(crate) name: Option<Name>,
    pub(crate) bytes: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct ResultChain {
    /// Indices of objects, the direct holder first.
    pub(crate) objects: Vec<u32>,
    pub(crate) root: u32,
    pub(crate) doubtful: bool,
    /// The bits that describe it (`description`).
    pub(crate) bits: u64,
}

impl Scan {
    /// Scans the memory once. If the time is over before all of it is read, the result covers a part and says so in its
    /// coverage; it then calls nothing unreachable.
    pub fn run<M: Memory + ?Sized>(input: &ScanInput, memory: &mut M, symbols: &dyn Symbols) -> ScanResult {
        let (mut map, is_mapped) = PageMap::build(input, memory);
        let mark = mark(input, memory, &mut map);
        let ended_early = ended_early(&mark, is_mapped);
        let mut objects = Objects::default();
        let mut names = Names::of_types(&input.types);
        let mut roots = RootNames::new(input, symbols, &mark.root_words);
        let (mut chains, links) = chains(input, &map, &mark, &mut objects, (&mut roots, &mut names), memory);
        let unreached = match ended_early {
            Some(_) => Unreached::default(),
            None => follow_unreached((input, &mark), &mut map, &mut objects, memory),
        };
        let RootNames { of_words, list: roots, own, .. } = roots;
        let all_links: Vec<Link> = links.iter().chain(&unreached.links).copied().collect();
        let evidence =
            Evidence::new(input, &map, &all_links, &chains, (&mark.root_words, &of_words), &unreached.edges);
        name_objects(&evidence, memory, symbols, &mut objects, &mut names);
        doubt_spare_capacity(
            (input, &map, &mark.root_words),
            &links,
            (&objects, &names),
            &mut chains,
            memory,
        );
        doubt_excluded(input, &mut chains, (&objects, &names));
        let back_pointers = BackPointers::find((input, &map), &chains, (&objects, &names), memory);
        let samples = input.samples.iter().zip(0_u32..).zip(chains).map(|((object, sample), chains)| {
            let region = match map.find(object.address.address()) {
                Found::Extent(index) => map.extent(index).and_then(|extent| {
                    let is_own = extent.sample().and_then(|sample| input.samples.get(sample));
                    is_own.filter(|own| own.address == object.address).map(|_| extent.first)
                }),
                _ => None,
            };
            SampleResult {
                sequence: object.sample.sequence,
                reached: match region {
                    Some(region) if mark.is_marked(region) => Reached::Yes,
                    Some(_) if ended_early.is_none() => Reached::No,
                    _ => Reached::Unknown,
                },
                object: region.and_then(|region| objects.find(region)),
                chains: chains
                    .into_iter()
                    .map(|chain| {
                        let root = of_words.get(chain.root_word).copied().unwrap_or(u32::MAX);
                        let known = roots.get(root as usize);
                        let known = known.zip(own.get(root as usize).copied());
                        let way = (&chain, back_pointers.confirmed(sample, &chain));
                        let bits = description_bits(object.type_index, way, known, (&objects, &names));
                        ResultChain { objects: chain.objects, root, doubtful: chain.doubtful, bits }
                    })
                    .collect(),
            }
        });
        ScanResult {
            samples: samples.collect(),
            coverage: Coverage {
                scans: 1,
                heap_bytes: map.heap_bytes(),
                read_bytes: mark.read_bytes,
                ended_early,
                ..Coverage::default()
            },
            own_bytes: (mark.own_bytes + objects.own_bytes()) as u64,
            objects: objects
                .list
                .iter()
                .map(|object| HeldObject { name: object.name, bytes: object.bytes })
                .collect(),
            unreached: unreached.edges,
            roots,
            names,
        }
    }
}

impl ScanResult {
    /// Whether the scan reached each sample, in the order of the input.
    pub fn reached(&self) -> impl ExactSizeIterator<Item = Reached> {
        self.samples.iter().map(|sample| sample.reached)
    }

    /// How much of the memory the scan covers.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Bytes of memory that the scan took for itself at its largest, an estimate without its reading buffers.
    #[must_use]
    pub fn own_bytes(&self) -> u64 {
        self.own_bytes
    }
}

fn ended_early(mark: &Mark, is_mapped: bool) -> Option<String> {
    if !is_mapped || mark.is_cut {
        return Some("the time was over before all of the heap was read; allow more seconds".into());
    }
    (mark.unreadable_bytes > 0).then(|| {
        format!(
            "{} bytes of memory in use could not be read, so pointers in them are not known; if the process swaps, \
             give it more memory",
            mark.unreadable_bytes
        )
    })
}

/// Follows the pointers to each sample up to their roots. Returns the chains of each sample, and one link for each chain
/// with a direct holder, in the same order.
fn chains(
    input: &ScanInput,
    map: &PageMap,
    mark: &Mark,
    objects: &mut Objects,
    (roots, names): (&mut RootNames<'_>, &mut Names),
    memory: &mut (impl Memory + ?Sized),
) -> (Vec<Vec<Chain>>, Vec<Link>) {
    let mut edges = mark.edges.clone();
    // Pointers that are not doubtful come first, and roots before regions, because not all of them become chains.
    edges.sort_unstable_by_key(|edge| {
        (edge.sample, edge.doubtful, edge.source.region(), edge.source, edge.offset)
    });
    edges.dedup();
    let mut of_sample: Vec<Range<u32>> = vec![0..0; input.samples.len()];
    for (at, edge) in edges.iter().enumerate() {
        if let (Some(range), Ok(at)) = (of_sample.get_mut(edge.sample as usize), u32::try_from(at)) {
            *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
        }
    }
    let ways = Ways { map, mark, input, edges: &edges, of_sample: &of_sample };
    let mut walker = Walker::default();
    let mut chains: Vec<Vec<Chain>> = vec![Vec::new(); input.samples.len()];
    let mut links = Vec::new();
    for edge in &edges {
        let Some(chains) = chains.get_mut(edge.sample as usize).filter(|chains| chains.len() < MAX_CHAINS)
        else {
            continue;
        };
        memory.give_way();
        let root_of = |word| roots.index_of(word, names);
        for mut chain in walker.walk(edge.source, &ways, objects, root_of) {
            chain.doubtful = edge.doubtful;
            // A root that was read twice has two words at the same place.
            if chain.objects.is_empty()
                && chains.iter().any(|other| {
                    other.objects.is_empty()
                        && mark.root_words.get(other.root_word) == mark.root_words.get(chain.root_word)
                })
            {
                continue;
            }
            if let Some(holder) = chain.objects.first() {
                links.push(Link { holder: *holder, offset: edge.offset, sample: edge.sample });
            }
            chains.push(chain);
        }
    }
    (chains, links)
}

/// The roots at which chains end.
struct RootNames<'a> {
    input: &'a ScanInput,
    symbols: &'a dyn Symbols,
    words: &'a [Hidden],
    /// The hidden beginnings of all roots, in the order of their addresses.
    spans: Vec<(Hidden, usize)>,
    known: BTreeMap<(RootKind, Option<u32>), u32>,
    list: Vec<HolderRoot>,
    /// For each root of the list whether it belongs to this library.
    own: Vec<bool>,
    /// For each word of a root its root, as an index into `list`. Words that no chain needs have `u32::MAX`.
    of_words: Vec<u32>,
}

impl<'a> RootNames<'a> {
    fn new(input: &'a ScanInput, symbols: &'a dyn Symbols, words: &'a [Hidden]) -> Self {
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
            own: Vec::new(),
            of_words,
        }
    }

    /// The root in which a word lies, as an index into `list`. `u32::MAX` if there is no such word.
    fn index_of(&mut self, word_index: usize, names: &mut Names) -> u32 {
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
            self.list.push(HolderRoot { kind, name, also: Vec::new() });
            self.own.push(root.is_some_and(|root| root.is_own));
        }
        if let Some(entry) = self.of_words.get_mut(word_index) {
            *entry = index;
        }
        index
    }
}
