//! Where snapshots are kept: in memory and in a folder.

#[cfg(test)]
pub(crate) mod fixture;
mod folder;
mod store;

pub use self::folder::SnapshotFolder;
pub use self::store::{NotKept, SnapshotBounds, Snapshots};
