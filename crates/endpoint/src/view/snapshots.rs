//! Snapshots, and what changed since.

use std::fmt::Write;
use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use memory_debug_core::{
    LeakVerdict, PprofOptions, Selection, Snapshot, SnapshotDiff, SnapshotId, SnapshotInfo, TypesView, render,
};

use super::{Material, View, written};
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::request::{Base, Target};

/// A snapshot that is sent as it is kept.
struct Kept(Arc<Snapshot>);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl View {
    pub(super) fn list_snapshots(&self, material: Material<'_>) -> Result<Reply, Problem> {
        let all = material.snapshots.list();
        let infos: Vec<_> = all.iter().map(|snapshot| self.shown(snapshot.info())).collect();
        self.fitting(infos.len(), material.max_bytes, |body, top| {
            let newest = &infos[infos.len() - top..];
            match self.format {
                Format::Json => written(render::write_document(body, "snapshots", &newest)),
                _ => written(render::write_snapshots_text(body, newest)),
            }
        })
    }

    pub(super) fn take_snapshot(
        &self,
        label: Option<String>,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let collected = material.collected()?;
        let snapshot =
            collected.snapshot(label).map_err(|reason| Problem::no_profile(&collected.report, reason))?;
        let kept = material.snapshots.keep(snapshot);
        let kept = kept.map_err(|error| Problem::SnapshotTooLarge(error.to_string()))?;
        let id = kept.info().id;
        Ok(self.snapshot(kept.info(), material)?.created(format!("snapshots/{id}")))
    }

    pub(super) fn show_snapshot(&self, id: SnapshotId, material: Material<'_>) -> Result<Reply, Problem> {
        let snapshot = material.snapshots.get(id)?;
        match self.format {
            Format::Pprof if self.shows_host => {
                Ok(Reply::page(Format::Pprof, Bytes::from_owner(Kept(snapshot))))
            }
            // Its comment names the host.
            Format::Pprof => {
                let profile = snapshot.profile().map_err(|_| Problem::CollectorPanicked)?;
                self.pprof(&profile, &PprofOptions::default(), material)
            }
            _ => self.snapshot(snapshot.info(), material),
        }
    }

    fn snapshot(&self, info: &SnapshotInfo, material: Material<'_>) -> Result<Reply, Problem> {
        let info = self.shown(info);
        self.whole(material.max_bytes, |body| match self.format {
            Format::Json => written(render::write_document(body, "snapshot", &info)),
            _ => written(render::write_snapshots_text(body, slice::from_ref(&info))),
        })
    }

    pub(super) fn diff(
        &self,
        base: Base,
        target: Target,
        growth: bool,
        types: &TypesView,
        selection: &Selection,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let base = base.find(material.snapshots)?;
        let mut diff = match target {
            Target::Kept(target) => {
                SnapshotDiff::between(&base, &*target.find(material.snapshots)?, selection)
                    .map_err(|_| Problem::CollectorPanicked)?
            }
            Target::Now => {
                let collected = material.collected()?;
                collected
                    .diff(&base, selection)
                    .map_err(|reason| Problem::no_profile(&collected.report, reason))?
            }
        };
        if growth {
            diff = diff.growth();
        }
        (diff.base, diff.target) = (self.shown(&diff.base), self.shown(&diff.target));
        let diff = diff.truncate_filtered(types.top, types.filter.as_deref());
        self.fitting(types.top, material.max_bytes, |body, top| {
            let diff = diff.clone().truncate_filtered(top, None);
            match self.format {
                Format::Json => written(render::write_document(body, "diff", &diff)),
                _ => written(write!(body, "{diff}")),
            }
        })
    }

    pub(super) fn leaks(&self, material: Material<'_>) -> Result<Reply, Problem> {
        let verdict = LeakVerdict::over(&material.snapshots.list());
        let mut verdict = verdict.map_err(|error| Problem::TooFewSnapshots(error.to_string()))?;
        let runs = [Some(&mut verdict.run), verdict.newer.as_mut()].into_iter().flatten();
        let judged = runs.flat_map(|run| &mut run.snapshots);
        let left_out = verdict.left_out.iter_mut().flat_map(|left_out| &mut left_out.snapshots);
        judged.chain(left_out).for_each(|info| *info = self.shown(info));
        self.fitting(verdict.suspects.len(), material.max_bytes, |body, top| {
            let mut verdict = verdict.clone();
            verdict.suspects.truncate(top);
            match self.format {
                Format::Json => written(render::write_document(body, "leaks", &verdict)),
                _ => written(write!(body, "{verdict}")),
            }
        })
    }

    /// What may be shown of it.
    fn shown(&self, info: &SnapshotInfo) -> SnapshotInfo {
        let mut info = info.clone();
        self.hide_host(&mut info.instance, None);
        info
    }
}
