//! The style sheet and the icon. Each has a name with a hash of its bytes, so browsers may keep it forever.

use std::fmt::Write;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file that pages load.
#[derive(Debug)]
pub struct Asset {
    /// The name: `ui-0123456789abcdef.css`.
    pub name: String,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

static ASSETS: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    [
        Asset::new("ui", "css", "text/css; charset=utf-8", include_bytes!("../assets/ui.css")),
        Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
    ]
});

/// Finds an asset by its name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

pub(crate) fn style_sheet() -> &'static Asset {
    &ASSETS[0]
}

pub(crate) fn icon() -> &'static Asset {
    &ASSETS[1]
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let mut name = format!("{stem}-");
        for byte in &Sha256::digest(bytes)[..8] {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        Self { name: format!("{name}.{extension}"), content_type, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_found_by_their_hashed_name_only() {
        for wanted in ASSETS.iter() {
            assert!(std::ptr::eq(asset(&wanted.name).unwrap(), wanted));
        }
        assert_eq!(style_sheet().name.len(), "ui-0123456789abcdef.css".len());
        for name in ["", "ui.css", "ui-0000000000000000.css", "../ui.css"] {
            assert!(asset(name).is_none(), "{name}");
        }
    }

    #[test]
    fn s32_assets_load_nothing_else() {
        for asset in ASSETS.iter() {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in ["http:", "https:", "//", "@import", "url(", "<script", "onload"] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", asset.name);
            }
        }
        let bytes: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes <= 60 << 10, "{bytes}");
    }
}
