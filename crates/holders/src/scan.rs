//! One scan, from the memory of the process to chains of holders.

mod roots;

use crate::back_pointers::BackPointers;
use crate::chain::{Chain, Edges, Walker, Ways};
use crate::description::description_bits;
use crate::excluded::doubt_excluded;
use crate::holders_report::{Coverage, HolderRoot};
use crate::inner_nodes::leave_inner_nodes;
use crate::input::{ScanInput, Symbols};
use crate::mark::{Mark, mark};
use crate::memory::Memory;
use crate::names::{Evidence, Link, name_objects};
use crate::objects::{Name, Names, Objects};
use crate::page_map::{Found, PageMap};
use crate::spare::doubt_spare_capacity;
use crate::unreached::{Unreached, follow_unreached};
use roots::RootNames;

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
        let edges = Edges::new(&mark, input.samples.len());
        let ways = Ways { map: &map, mark: &mark, input, edges: &edges };
        let mut chains = chains(&ways, &mut objects, (&mut roots, &mut names), memory);
        let links = links(&chains);
        let unreached = match ended_early {
            Some(_) => Unreached::default(),
            None => follow_unreached((input, &mark), &mut map, &mut objects, memory),
        };
        let RootNames { of_words, list: roots, owners, .. } = roots;
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
                        let known = known.zip(owners.get(root as usize).copied());
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

/// Follows the pointers to each sample up to their roots. Returns the chains of each sample.
fn chains(
    ways: &Ways<'_>,
    objects: &mut Objects,
    (roots, names): (&mut RootNames<'_>, &mut Names),
    memory: &mut (impl Memory + ?Sized),
) -> Vec<Vec<Chain>> {
    let mut walker = Walker::default();
    let mut chains: Vec<Vec<Chain>> = vec![Vec::new(); ways.input.samples.len()];
    for edge in &ways.edges.list {
        let Some(chains) = chains.get_mut(edge.sample as usize).filter(|chains| chains.len() < MAX_CHAINS)
        else {
            continue;
        };
        memory.give_way();
        let root_of = |word| roots.index_of(word, names);
        for chain in walker.walk(edge.source, ways, objects, root_of) {
            // A root that was read twice has two words at the same place.
            let word = |chain: &Chain| ways.mark.root_words.get(chain.root_word);
            let is_known = |other: &Chain| other.objects.is_empty() && word(other) == word(&chain);
            if !chain.objects.is_empty() || !chains.iter().any(is_known) {
                chains.push(Chain { offset: edge.offset, doubtful: edge.doubtful, ..chain });
            }
        }
    }
    leave_inner_nodes(ways, &mut walker, &mut chains, objects, |word| roots.index_of(word, names), memory);
    chains
}

/// The pointer to the sample of each chain with a direct holder, in the order of the chains.
fn links(chains: &[Vec<Chain>]) -> Vec<Link> {
    let link = |chain: &Chain, sample| {
        chain.objects.first().map(|holder| Link { holder: *holder, offset: chain.offset, sample })
    };
    let of_samples = chains.iter().zip(0_u32..);
    of_samples
        .flat_map(|(chains, sample)| chains.iter().filter_map(move |chain| link(chain, sample)))
        .collect()
}
