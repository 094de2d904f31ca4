//! `/heap`: the heap profile, in the formats of other tools.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use memory_debug_core::{
    CollapsedOptions, PprofOptions, PprofSymbols, Snapshots, SymbolizedProfile, Work, render,
};

use super::growth::{GrowthPage, StartPage};
use super::growth_start::GrowthStart;
use super::material::Material;
use super::page_request::{PageRequest, Watch};
use super::render_request::{RenderRequest, half, written};
use crate::auth::Authorized;
use crate::reply::{Format, Problem, Reply};
use crate::request::Asking;

/// The longest time that growth is watched. Proxies give up not long after.
const MAX_SECONDS: usize = 60;

/// A request for the heap profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heap {
    pub(crate) symbols: PprofSymbols,
    pub(crate) top: usize,
    /// Readers show first what was ever allocated, if that is known.
    pub(crate) prefers_allocated: bool,
    /// How long to watch growth, instead of showing what the heap holds.
    pub(crate) span: Option<Duration>,
}

pub(crate) fn heap(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Heap::read(asking, false)))
}

/// Reads a request for the heap profile that shows first what was ever allocated.
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
                query.refuse("seconds", "does not go with `debug=1`, as in Go");
            } else if matches!(asking.format, Some(Format::Collapsed | Format::Raw)) {
                query.refuse("seconds", "goes with the formats `pprof`, `text` and `json`, which have signs");
            }
        }
        let span = seconds.map(|seconds| Duration::from_secs(seconds as u64));
        Self { symbols, top: query.top(), prefers_allocated, span }
    }

    /// The options to write the profile for pprof, if it was taken at `taken_at`.
    pub(super) fn pprof(self, taken_at: SystemTime) -> PprofOptions {
        let mut options = PprofOptions::taken_at(taken_at);
        options.symbols = self.symbols;
        options.prefers_allocated = self.prefers_allocated;
        options.is_lean = true;
        options
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
        let profile = material.profile()?;
        match request.format {
            Format::Pprof => {
                let mut options = self.pprof(SystemTime::now());
                options.comments.extend(material.notes().iter().cloned());
                pprof(request, &profile, &options, material)
            }
            Format::Collapsed => collapsed(request, &profile, material),
            Format::Json => request.fitting(self.top, material.max_bytes, |body, top| {
                written(render::write_stacks_json(body, &profile, top))
            }),
            _ => request.fitting(self.top, material.max_bytes, |body, top| {
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
            end: Arc::new(GrowthPage { heap: *self, since: start }),
        })
    }
}

/// Writes a profile for pprof. If it does not fit, it keeps its largest stacks.
pub(super) fn pprof(
    request: &RenderRequest,
    profile: &SymbolizedProfile,
    options: &PprofOptions,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    request.until_it_fits(profile.stack_count(), half, material.max_bytes, |body, stacks| {
        let mut options = options.clone();
        options.max_stacks = Some(stacks);
        written(profile.write_pprof(&options, body))
    })
}

/// Writes collapsed stacks. If they do not fit, small stacks are summed below their functions.
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

/// Writes the dump as jemalloc writes it, with addresses of this process. If it does not fit, it keeps its largest stacks.
fn raw(request: &RenderRequest, material: Material<'_>) -> Result<Reply, Problem> {
    let collected = material.collected()?;
    let profile = collected.heap_profile();
    let profile = profile.map_err(|error| Problem::of_profile(&collected.report, &error))?;
    request.until_it_fits(profile.stacks().len(), half, material.max_bytes, |body, stacks| {
        written(profile.write_raw_largest(stacks, body))
    })
}

/// The next larger size below which stacks are summed. `None` if all stacks are summed already.
pub(super) fn coarser(least: u64, total: u64) -> Option<u64> {
    // From a millionth of the total, twenty doublings lead to a single line.
    (least <= total).then(|| least.saturating_mul(2).max(total >> 20).max(1))
}
