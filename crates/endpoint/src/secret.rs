//! Text that must not be shown and does not outlive its use.

use std::fmt;

use zeroize::Zeroizing;

/// A password on its way to its digest. Wiped on drop; has neither `Display` nor `PartialEq`.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself; the name makes each use stand out in review.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_debug_does_not_show_the_text() {
        let shown = format!("{:?} {:#?}", Secret::new("hunter2hunter2"), Secret::new("hunter2hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
