//! `/heap`: the heap profile, in the formats of other tools.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use memory_debug_core::{
    CollapsedOptions, HoldersReport, Leaf, PprofSymbols, Snapshots, SymbolizedProfile, Work, render,
};
use memory_debug_formats::TreeFormat;

use super::fit::{half, written};
use super::growth::{GrowthPage, StartPage};
use super::growth_start::GrowthStart;
use super::page_request::{Material, PageRequest, RenderRequest, Watch};
use super::profile::{ProfileOptions, coarser, write_pprof};
use super::tool_file;
use crate::auth::Authorized;
use crate::reply::{Format, Problem, Reply};
use crate::request::Asking;

/// Maximum time to watch growth. Proxies give up not much later.
const MAX_SECONDS: usize = 60;

/// The most functions and types of a call tree, which is in memory as a whole. It takes half a kilobyte for each, and as
/// much again as a heap snapshot.
const MAX_NODES: usize = 16 << 10;

/// A request for the heap profile.
#[derive(Debug, PartialEq)]
pub(crate) struct Heap {
    pub(crate) options: ProfileOptions,
    /// The time to watch growth. `None` shows the present heap instead.
    pub(crate) span: Option<Duration>,
}

pub(crate) fn heap(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Heap::read(asking, false)))
}

/// Reads a request for the heap profile in which readers show allocations since the start first.
pub(crate) fn allocations(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Heap::read(asking, true)))
}

impl Heap {
    fn read(asking: &mut Asking<'_>, prefers_allocated: bool) -> Self {
        let query = &mut asking.query;
        let symbols = [
            ("inline", PprofSymbols::Inlined),
            ("functions", PprofSymbols::Functions),
            ("none", PprofSymbols::None),
        ];
        let symbols = query.one_of("symbols", &symbols).unwrap_or_default();
        let seconds = query.number("seconds", MAX_SECONDS);
        if seconds.is_some() {
            if query.has("debug") && asking.format == Some(Format::Text) {
                query.refuse("seconds", "cannot be combined with `debug=1`, as in Go");
            } else if matches!(asking.format, Some(Format::Collapsed | Format::Raw | Format::Heap(_))) {
                query.refuse(
                    "seconds",
                    "needs the format `pprof`, `text` or `json`, which can show negative numbers",
                );
            }
        }
        let span = seconds.map(|seconds| Duration::from_secs(seconds as u64));
        Self { options: ProfileOptions { symbols, top: query.top(), prefers_allocated }, span }
    }
}

impl PageRequest for Heap {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        if request.format == Format::Raw {
            return raw(request, material);
        }
        if request.format == Format::Heap(TreeFormat::HeapSnapshot)
            && let Some(last) = material.collect.last_holders().filter(|last| last.coverage.is_some())
        {
            return holders(request, &last, material);
        }
        let profile = material.profile()?;
        match request.format {
            Format::Pprof => {
                let mut options = self.options.pprof(SystemTime::now());
                options.comments.extend(material.notes().iter().cloned());
                write_pprof(request, &profile, &options, material)
            }
            Format::Collapsed => collapsed(request, &profile, material),
            Format::Heap(format) => tree(request, format, &profile, material),
            Format::Json => request.fitting(self.options.top, material.max_bytes, |body, top| {
                written(render::write_stacks_json(body, &profile, top))
            }),
            _ => request.fitting(self.options.top, material.max_bytes, |body, top| {
                written(render::write_stacks_text(body, &profile, top))
            }),
        }
    }

    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        Some(Work::Profile)
    }

    fn watch(&self) -> Option<Watch> {
        let start = GrowthStart::default();
        Some(Watch {
            span: self.span?,
            begin: Arc::new(StartPage(start.clone())),
            end: Arc::new(GrowthPage { options: self.options, since: start }),
        })
    }
}

/// Writes collapsed stacks. If they do not fit, small stacks below a function are summed into one line.
fn collapsed(
    request: &RenderRequest,
    profile: &SymbolizedProfile,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    let stacks = profile.collapse(&CollapsedOptions::default());
    request.until_it_fits(
        0,
        |least| coarser(least, stacks.total()),
        material.max_bytes,
        |body, least| written(stacks.write(least, body)),
    )
}

/// Writes the types below their holders, which the last scan found.
fn holders(request: &RenderRequest, last: &HoldersReport, material: Material<'_>) -> Result<Reply, Problem> {
    // Memory without a pointer and memory without a known holder are chains too.
    let chains = last.types.iter().map(|held| held.chains.len() + 2).sum();
    tool_file::write_graph(request, chains, |most| last.heap_graph(most), material.max_bytes)
}

/// Writes the types below the functions that allocated them.
fn tree(
    request: &RenderRequest,
    format: TreeFormat,
    profile: &SymbolizedProfile,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    let report = material.report()?;
    let service = report.instance.service.as_deref().unwrap_or("unnamed service");
    let title = format!("live heap of {service}, pid {}, {}", report.instance.pid, report.collected_at);
    let title = [title].iter().chain(material.notes()).map(String::as_str).collect::<Vec<_>>().join("; ");
    let tree = || profile.call_tree(title, Leaf::Type, MAX_NODES);
    tool_file::write(request, format, tree, material.max_bytes)
}

/// Writes jemalloc's own dump, with addresses of this process. If it does not fit, it keeps its largest stacks.
fn raw(request: &RenderRequest, material: Material<'_>) -> Result<Reply, Problem> {
    let collected = material.collected()?;
    let profile = collected.heap_profile();
    let profile = profile.map_err(|error| Problem::of_profile(&collected.report, &error))?;
    request.until_it_fits(profile.stacks().len(), half, material.max_bytes, |body, stacks| {
        written(profile.write_raw_largest(stacks, body))
    })
}
