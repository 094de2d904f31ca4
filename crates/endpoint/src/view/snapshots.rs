//! `/snapshots`: lists kept snapshots, and takes, shows and drops single ones.

use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use memory_debug_core::{PprofOptions, Snapshot, SnapshotId, SnapshotInfo, Snapshots, Work, render};

use super::fit::truncation;
use super::page_request::{Material, PageRequest, RenderRequest};
use super::profile::write_pprof;
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Format, Problem, Reply};
use crate::request::{Asking, Head, Query};

#[derive(Debug, PartialEq)]
struct ListSnapshots {
    /// The snapshot that was just deleted.
    deleted: Option<SnapshotId>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct TakeSnapshot {
    pub(crate) label: Option<String>,
}

#[derive(Debug, PartialEq)]
struct ShowSnapshot {
    id: SnapshotId,
}

#[derive(Debug, PartialEq)]
struct DropSnapshot {
    id: SnapshotId,
}

/// The bytes of a snapshot, which are sent without a copy.
struct SnapshotBytes(Arc<Snapshot>);

impl AsRef<[u8]> for SnapshotBytes {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

pub(crate) fn list_snapshots(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let deleted =
        asking.query.read("deleted", |id| id.parse().map_err(|_| "must be the id of a snapshot".to_owned()));
    Ok(Arc::new(ListSnapshots { deleted }))
}

pub(crate) fn take_snapshot(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(TakeSnapshot { label: asking.query.text("label") }))
}

/// Reads the label from a form.
pub(crate) fn take_labelled_snapshot(
    form: &mut Query,
    _head: &Head,
    _proof: &Authorized,
) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(TakeSnapshot { label: form.text("label") }))
}

pub(crate) fn show_snapshot(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(ShowSnapshot { id: asking.id()? }))
}

pub(crate) fn drop_snapshot(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(DropSnapshot { id: asking.id()? }))
}

impl PageRequest for ListSnapshots {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let all = material.snapshots.list();
        let infos: Vec<_> = all.iter().map(|snapshot| shown(request, snapshot.info())).collect();
        request.fitting(infos.len(), material.max_bytes, |body, top| {
            let newest = &infos[infos.len() - top..];
            let note = truncation(top, infos.len(), material.max_bytes);
            // The link may be old, so the page does not believe it.
            let gone = self.deleted.filter(|id| material.snapshots.get(*id).is_err());
            request.in_form(
                body,
                |site| html::snapshots(site, newest, note.as_deref(), gone),
                |body| render::write_document(body, "snapshots", &newest),
                |body| render::write_snapshots_text(body, newest),
            )
        })
    }
}

impl PageRequest for TakeSnapshot {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let collected = material.collected()?;
        let snapshot = collected.snapshot(self.label.clone());
        let snapshot = snapshot.map_err(|error| Problem::of_profile(&collected.report, &error))?;
        let kept = material.snapshots.keep(snapshot);
        let kept = kept.map_err(|error| Problem::SnapshotTooLarge(error.to_string()))?;
        let id = kept.info().id;
        if let Some(reply) = request.see_other(&format!("/snapshots/{id}")) {
            return Ok(reply);
        }
        Ok(write(request, kept.info(), material)?.created(format!("snapshots/{id}")))
    }

    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        Some(Work::Profile)
    }
}

impl PageRequest for ShowSnapshot {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let snapshot = material.snapshots.get(self.id)?;
        match request.format {
            Format::Pprof if request.shows_host => {
                Ok(Reply::page(Format::Pprof, Bytes::from_owner(SnapshotBytes(snapshot))))
            }
            // The kept bytes name the host in a comment, so they are written again without it.
            Format::Pprof => {
                let profile = snapshot
                    .profile()
                    .map_err(|error| Problem::internal("a snapshot cannot be read back", &error))?;
                write_pprof(request, &profile, &PprofOptions::default(), material)
            }
            _ => write(request, snapshot.info(), material),
        }
    }
}

impl PageRequest for DropSnapshot {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        material.snapshots.remove(self.id)?;
        let elsewhere = request.see_other(&format!("/snapshots?deleted={}", self.id));
        Ok(elsewhere.unwrap_or_else(Reply::nothing))
    }
}

fn write(request: &RenderRequest, info: &SnapshotInfo, material: Material<'_>) -> Result<Reply, Problem> {
    let info = shown(request, info);
    request.whole(material.max_bytes, |body| {
        request.in_form(
            body,
            |site| html::snapshot(site, &info),
            |body| render::write_document(body, "snapshot", &info),
            |body| render::write_snapshots_text(body, slice::from_ref(&info)),
        )
    })
}

/// The description of a snapshot, without the host if the reader may not see it.
pub(super) fn shown(request: &RenderRequest, info: &SnapshotInfo) -> SnapshotInfo {
    let mut info = info.clone();
    request.hide_host(&mut info.instance, None);
    info
}
