//! Comparison of requests for different pages.

use std::any::Any;

/// Comparison of values whose types may differ. Implemented for all types that can be compared with themselves.
pub(crate) trait Comparable: Any {
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: Any + PartialEq> Comparable for T {
    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }
}
