//! Profiles in the formats of other tools.

use std::time::SystemTime;

use memory_debug_core::{CollapsedOptions, Count, Leaf, PprofOptions, SymbolizedProfile, render};
#[cfg(feature = "flamegraph")]
use memory_debug_core::{CollapsedStacks, FlamegraphOptions};

use super::{Material, View, half, written};
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::request::Base;
#[cfg(feature = "flamegraph")]
use crate::view::bounded::Bounded;
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

/// The next larger size below which stacks are summed. `None` if all of them are already.
fn coarser(least: u64, total: u64) -> Option<u64> {
    // Of stacks smaller than a millionth, twenty doublings lead to a single line.
    (least <= total).then(|| least.saturating_mul(2).max(total >> 20).max(1))
}

impl Material<'_> {
    /// The heap of the report, with names.
    pub(super) fn profile(&self) -> Result<SymbolizedProfile, Problem> {
        let collected = self.collected()?;
        collected.symbolized().map_err(|reason| Problem::no_profile(&collected.report, reason))
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
        match self.format {
            Format::Pprof => {
                let mut options = wanted.pprof(SystemTime::now());
                options.comments.extend(material.notes().iter().cloned());
                self.pprof(&profile, &options, material)
            }
            Format::Collapsed => self.collapsed(&profile, material),
            Format::Json => self.fitting(wanted.top, material.max_bytes, |body, top| {
                written(render::write_stacks_json(body, &profile, top))
            }),
            _ => self.fitting(wanted.top, material.max_bytes, |body, top| {
                written(render::write_stacks_text(body, &profile, top))
            }),
        }
    }

    /// A profile for pprof, with its largest stacks if not all of them have room.
    pub(super) fn pprof(
        &self,
        profile: &SymbolizedProfile,
        options: &PprofOptions,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        self.until_it_fits(profile.stack_count(), half, material.max_bytes, |body, stacks| {
            let mut options = options.clone();
            options.max_stacks = Some(stacks);
            written(profile.write_pprof(&options, body))
        })
    }

    /// Collapsed stacks, the small ones summed below their functions if not all of them have room.
    fn collapsed(&self, profile: &SymbolizedProfile, material: Material<'_>) -> Result<Reply, Problem> {
        let stacks = profile.collapse(&CollapsedOptions::default());
        self.until_it_fits(
            0,
            |least| coarser(least, stacks.total()),
            material.max_bytes,
            |body, least| written(stacks.write(least, body)),
        )
    }

    /// The dump as jemalloc writes it, with addresses of this process, and with its largest stacks if not all of them have
    /// room.
    fn raw(&self, material: Material<'_>) -> Result<Reply, Problem> {
        let collected = material.collected()?;
        let profile =
            collected.heap_profile().map_err(|reason| Problem::no_profile(&collected.report, reason))?;
        self.until_it_fits(profile.stacks().len(), half, material.max_bytes, |body, stacks| {
            written(profile.write_raw_largest(stacks, body))
        })
    }

    #[cfg(feature = "flamegraph")]
    pub(super) fn flamegraph(
        &self,
        leaf: Leaf,
        count: Count,
        base: Option<Base>,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        use super::growth::require_same_samples;

        let profile = material.profile()?;
        if profile.total().bytes <= 0 {
            let reason = "the profile has no stacks to draw".to_owned();
            return Err(Problem::NoProfile { is_built: true, reason });
        }
        let instance = &material.report()?.instance;
        let mut options = FlamegraphOptions::default();
        options.title = format!("live memory of {}", instance.service.as_deref().unwrap_or("this process"));
        (options.leaf, options.count) = (leaf, count);
        let Some(base) = base else {
            return self.picture(&profile.collapse(&options.collapsed()), &options, material);
        };
        let base = base.find(material.snapshots)?;
        if base.info().instance.id == instance.id {
            require_same_samples(base.info().samples.as_ref(), material.samples()?.as_ref())?;
        }
        options.subtitle = format!("red has grown since {}, blue has shrunk", base.info().taken_at);
        let earlier = base.profile().map_err(|_| Problem::CollectorPanicked)?;
        self.picture(&profile.collapse_since(&earlier, &options.collapsed()), &options, material)
    }

    /// Draws what can be seen of the stacks, and less if that does not fit. What is drawn is never longer than the
    /// picture may be.
    #[cfg(feature = "flamegraph")]
    fn picture(
        &self,
        stacks: &CollapsedStacks<'_>,
        options: &FlamegraphOptions,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let (max_bytes, visible) = (material.max_bytes, stacks.least_visible());
        self.until_it_fits(
            visible,
            |least| coarser(least, stacks.total()),
            max_bytes,
            |body, least| {
                let mut lines = Bounded::new(max_bytes);
                match stacks.write(least, &mut lines) {
                    Ok(summed) => written(options.draw(lines.as_bytes(), summed, body)),
                    Err(_full) => {
                        body.refuse();
                        Ok(())
                    }
                }
            },
        )
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
