//! Entry point for the fuzz targets. Not part of the public interface, and may change at any time.

use std::fmt;

use super::address::Address;

/// The address of a peer's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress(Address);

impl PeerAddress {
    /// Parses an address from the configuration. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Address::parse(text).map(Self)
    }

    /// The value of the header `Host`.
    pub fn authority(&self) -> String {
        self.0.authority()
    }

    /// The path of the page.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Whether the peer may be asked without [`allow_plain_http`](crate::Peers::allow_plain_http).
    pub fn may_stay_private(&self) -> bool {
        self.0.may_stay_private()
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
