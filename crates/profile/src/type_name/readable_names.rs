//! A cache of readable names.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::path::Qualify;
use super::readable::readable;

/// The readable names of types, kept from one table to the next.
///
/// Names of generic code can have 50 KB, and reading one takes milliseconds.
#[derive(Debug, Default)]
pub(crate) struct ReadableNames {
    /// Names by [`Qualify`].
    names: [FxHashMap<Arc<str>, Arc<str>>; 4],
    /// Total length of all names, full and readable.
    bytes: usize,
    /// Number of names that were computed.
    #[cfg(test)]
    pub(crate) read: usize,
}

impl ReadableNames {
    /// Bound on the total length, above which all names are dropped. The names of a service have some hundred
    /// kilobytes.
    const MAX_BYTES: usize = 8 << 20;

    /// Returns the readable name of `full`.
    pub(crate) fn of(&mut self, full: &str, qualify: Qualify) -> Arc<str> {
        if let Some(name) = self.names[qualify as usize].get(full) {
            return Arc::clone(name);
        }
        let name: Arc<str> = readable(full, qualify).into();
        #[cfg(test)]
        {
            self.read += 1;
        }
        let bytes = full.len() + name.len();
        if self.bytes.saturating_add(bytes) > Self::MAX_BYTES {
            self.names = Default::default();
            self.bytes = 0;
        }
        if bytes <= Self::MAX_BYTES {
            self.bytes += bytes;
            self.names[qualify as usize].insert(full.into(), Arc::clone(&name));
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_computed_once_for_each_form() {
        let mut names = ReadableNames::default();
        for _ in 0..3 {
            assert_eq!(&*names.of("alloc::vec::Vec<app::store::Session>", Qualify::Last), "Vec<Session>");
            assert_eq!(&*names.of("app::store::Session", Qualify::Module), "store::Session");
            assert_eq!(&*names.of("app::store::Session", Qualify::Whole), "app::store::Session");
        }
        assert_eq!(names.read, 3);
    }

    #[test]
    fn names_are_kept_within_the_bound() {
        let mut names = ReadableNames::default();
        let long = "x".repeat(ReadableNames::MAX_BYTES / 5);
        for first in 'a'..='z' {
            let full = format!("{first}{long}");
            assert_eq!(*names.of(&full, Qualify::Last), full);
            let kept = names.names.iter().flatten().map(|(full, name)| full.len() + name.len());
            assert_eq!(kept.sum::<usize>(), names.bytes);
            assert!(names.bytes > 0 && names.bytes <= ReadableNames::MAX_BYTES);
        }
        let larger = "y".repeat(ReadableNames::MAX_BYTES);
        assert_eq!(*names.of(&larger, Qualify::Last), larger);
        assert_eq!(names.bytes, 0, "a name beyond the bound is not kept");
    }
}
