//! Values behind locks. A lock is tried for a limited time, and it is held while its value is visited.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, RwLock, TryLockError, TryLockResult};

use crate::visitor::{Allocative, Visitor};

impl<T: Allocative> Allocative for Mutex<T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        let Some(guard) = this.try_lock(|| guard(self.try_lock())) else { return };
        // If a panic drops the guard, the mutex is poisoned, and the service will panic, too.
        let visited = catch_unwind(AssertUnwindSafe(|| this.descend(&*guard)));
        drop(guard);
        visited.unwrap_or_else(|panic| resume_unwind(panic));
    }
}

/// A read guard does not poison the lock.
impl<T: Allocative> Allocative for RwLock<T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        if let Some(guard) = this.try_lock(|| guard(self.try_read())) {
            this.descend(&*guard);
        }
    }
}

/// A poisoned lock still holds memory like any other.
fn guard<G>(locked: TryLockResult<G>) -> Option<G> {
    match locked {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
