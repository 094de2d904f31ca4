//! Profiles in the formats of other tools.

use std::time::SystemTime;

use memory_debug_core::{Count, FoldedOptions, Leaf, PprofOptions, SymbolizedProfile, render};

use super::{Material, View};
use crate::format::Format;
use crate::moment::Base;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::wanted::HeapWanted;

impl HeapWanted {
    /// How it is written for pprof, if it was taken at that time.
    pub(super) fn pprof(self, taken_at: SystemTime) -> PprofOptions {
        let mut options = PprofOptions::taken_at(taken_at);
        options.symbols = self.symbols;
        options.prefers_allocated = self.prefers_allocated;
        options.is_lean = true;
        options
    }
}

impl Material<'_> {
    /// The heap of the report, with names.
    pub(super) fn profile(&self) -> Result<SymbolizedProfile, Problem> {
        let report = self.report()?;
        report.symbolized().map_err(|reason| Problem::no_profile(report, reason))
    }
}

impl Material<'_> {
    /// What stands in the way of better names.
    pub(super) fn notes(&self) -> &[String] {
        self.report().ok().and_then(|report| report.types.as_ref()).map_or(&[], |types| &types.notes)
    }
}

impl View {
    pub(super) fn heap(&self, wanted: HeapWanted, material: Material<'_>) -> Result<Reply, Problem> {
        if self.format == Format::Raw {
            return self.raw(material);
        }
        let profile = material.profile()?;
        let mut body = Vec::new();
        // Writing into memory cannot fail.
        let written = match self.format {
            Format::Pprof => {
                let mut options = wanted.pprof(SystemTime::now());
                options.comments.extend(material.notes().iter().cloned());
                profile.write_pprof(&options, &mut body)
            }
            Format::Collapsed => profile.write_folded(&FoldedOptions::default(), &mut body),
            Format::Json => {
                return self
                    .fitting(wanted.top, material.max_bytes, |top| render::stacks_json(&profile, top));
            }
            _ => {
                return self
                    .fitting(wanted.top, material.max_bytes, |top| render::stacks_text(&profile, top));
            }
        };
        written.map_err(|_| Problem::CollectorPanicked)?;
        self.whole(body, material.max_bytes)
    }

    /// The dump as jemalloc writes it, with addresses of this process.
    fn raw(&self, material: Material<'_>) -> Result<Reply, Problem> {
        let report = material.report()?;
        let profile = report.heap_profile().map_err(|reason| Problem::no_profile(report, reason))?;
        let mut body = Vec::new();
        profile.write_raw(&mut body).map_err(|_| Problem::CollectorPanicked)?;
        self.whole(body, material.max_bytes)
    }

    #[cfg(feature = "flamegraph")]
    pub(super) fn flamegraph(
        &self,
        leaf: Leaf,
        count: Count,
        base: Option<Base>,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        use memory_debug_core::FlamegraphOptions;

        use super::growth::require_same_samples;

        let profile = material.profile()?;
        let instance = &material.report()?.instance;
        let mut options = FlamegraphOptions::default();
        options.title = format!("live memory of {}", instance.service.as_deref().unwrap_or("this process"));
        (options.leaf, options.count) = (leaf, count);
        let mut body = Vec::new();
        let drawn = match base {
            None => profile.write_flamegraph(&options, &mut body),
            Some(base) => {
                let base = base.find(material.snapshots)?;
                if base.info().instance.id == instance.id {
                    require_same_samples(base.info().samples.as_ref(), material.samples()?.as_ref())?;
                }
                options.subtitle = format!("red has grown since {}, blue has shrunk", base.info().taken_at);
                let earlier = base.profile().map_err(|_| Problem::CollectorPanicked)?;
                profile.write_flamegraph_since(&earlier, &options, &mut body)
            }
        };
        drawn.map_err(|error| Problem::NoProfile { is_built: true, reason: error.to_string() })?;
        self.whole(body, material.max_bytes)
    }

    #[cfg(not(feature = "flamegraph"))]
    pub(super) fn flamegraph(
        &self,
        _leaf: Leaf,
        _count: Count,
        _base: Option<Base>,
        _material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let reason = "flame graphs are not built in: add the cargo feature `flamegraph`, or draw one of ?format=collapsed";
        Err(Problem::NoProfile { is_built: false, reason: reason.into() })
    }
}
