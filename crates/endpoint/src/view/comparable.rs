//! Comparison of page requests of different types.

use std::any::Any;

/// Comparison of values whose types may differ. Implemented for all types with `PartialEq`.
pub(crate) trait Comparable: Any {
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: Any + PartialEq> Comparable for T {
    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }
}
