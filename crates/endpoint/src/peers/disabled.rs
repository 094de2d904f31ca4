//! Without the feature `peers`, no peers exist.

use memory_debug_fleet::Neighbours;

use crate::auth::Credentials;

/// Instances elsewhere: none in this build.
#[derive(Debug)]
pub(crate) enum Peers {}

impl Peers {
    pub(crate) fn is_empty(&self) -> bool {
        match *self {}
    }

    pub(crate) fn share_a_password_with(&self, _: &Credentials) -> bool {
        match *self {}
    }

    pub(crate) fn neighbours(&self) -> &dyn Neighbours {
        match *self {}
    }
}
