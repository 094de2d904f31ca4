//! The size of the pages that sampled small objects have to themselves.
//!
//! Each page of statistics reads them, so keys and sizes, which never change, are looked up once.

use std::sync::OnceLock;

use memory_debug_report::__private::sampled_objects;

use super::detail::beside_pages;
use crate::mallctl::{self, ALL_ARENAS, Error, Mib};

/// The small size classes that consist of whole pages. jemalloc counts a sampled object in the class of its
/// pages.
struct PageClasses {
    /// The number and the size of each class.
    classes: Vec<(usize, u64)>,
    /// The free space that jemalloc leaves beside each object.
    beside: u64,
    allocated: Mib<u64, 2>,
    freed: Mib<u64, 2>,
    live_regions: Mib<usize, 2>,
}

impl PageClasses {
    fn look_up() -> Result<Self, Error> {
        let (page, size) = (mallctl::ARENAS_PAGE.read()? as u64, mallctl::BIN_SIZE.look_up()?);
        let mut classes = Vec::new();
        for class in (0..mallctl::ARENAS_BINS.read()? as usize).rev() {
            match size.read([class])? as u64 {
                bytes if bytes < page => break,
                bytes => classes.push((class, bytes)),
            }
        }
        Ok(Self {
            classes,
            beside: beside_pages(page)?,
            allocated: mallctl::BIN_ALLOCATED.look_up()?,
            freed: mallctl::BIN_FREED.look_up()?,
            live_regions: mallctl::BIN_LIVE_REGIONS.look_up()?,
        })
    }

    fn read(&self) -> Result<u64, Error> {
        let mut bytes: u64 = 0;
        for (class, size) in &self.classes {
            let of_all = [ALL_ARENAS, *class];
            let allocated = self.allocated.read(of_all)?;
            if allocated > 0 {
                let live = self.live_regions.read(of_all)? as u64;
                let objects = sampled_objects(allocated, self.freed.read(of_all)?, live);
                bytes = bytes.saturating_add(objects.saturating_mul(size.saturating_add(self.beside)));
            }
        }
        Ok(bytes)
    }
}

/// Reads the bytes of these pages, as of the last epoch.
pub(crate) fn read_sampled_pages() -> Result<u64, Error> {
    static CLASSES: OnceLock<PageClasses> = OnceLock::new();
    mallctl::once(&CLASSES, PageClasses::look_up)?.read()
}
