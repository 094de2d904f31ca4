//! The scripts, the style sheet and the icon. Each has a name with a hash of its bytes, so browsers may keep it forever.

use std::fmt::Write;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    /// The hash of the content as browsers write it: `sha256-…`.
    pub(crate) integrity: String,
}

/// All files that pages load.
struct Assets {
    ui_css: Asset,
    ui_js: Asset,
    flame_css: Asset,
    flame_js: Asset,
    icon: Asset,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    ui_css: Asset::new("ui", "css", "text/css; charset=utf-8", include_bytes!("../assets/ui.css")),
    ui_js: Asset::new("ui", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/ui.js")),
    flame_css: Asset::new("flame", "css", "text/css; charset=utf-8", include_bytes!("../assets/flame.css")),
    flame_js: Asset::new(
        "flame",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/flame.js"),
    ),
    icon: Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
});

/// Finds an asset by its name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.all().into_iter().find(|asset| asset.name == name)
}

pub(crate) fn style_sheet() -> &'static Asset {
    &ASSETS.ui_css
}

/// The script of every page.
pub(crate) fn script() -> &'static Asset {
    &ASSETS.ui_js
}

/// The style sheet of the flame graph, beside the style sheet of every page.
pub(crate) fn flame_style_sheet() -> &'static Asset {
    &ASSETS.flame_css
}

/// The script of the flame graph, beside the script of every page.
pub(crate) fn flame_script() -> &'static Asset {
    &ASSETS.flame_js
}

pub(crate) fn icon() -> &'static Asset {
    &ASSETS.icon
}

impl Assets {
    fn all(&self) -> [&Asset; 5] {
        let Self { ui_css, ui_js, flame_css, flame_js, icon } = self;
        [ui_css, ui_js, flame_css, flame_js, icon]
    }
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let mut name = format!("{stem}-");
        for byte in &hash[..8] {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        let integrity = format!("sha256-{}", STANDARD.encode(hash));
        Self { name: format!("{name}.{extension}"), content_type, bytes, integrity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_found_by_their_hashed_name_only() {
        for wanted in ASSETS.all() {
            assert!(std::ptr::eq(asset(&wanted.name).unwrap(), wanted));
        }
        assert_eq!(style_sheet().name.len(), "ui-0123456789abcdef.css".len());
        for name in ["", "ui.css", "ui-0000000000000000.css", "../ui.css"] {
            assert!(asset(name).is_none(), "{name}");
        }
    }

    #[test]
    fn s32_assets_load_nothing_else() {
        for asset in ASSETS.all() {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "http:",
                "https:",
                "\"//",
                "`//",
                "@import",
                "url(",
                "<script",
                "onload",
                "eval(",
                "innerHTML",
            ] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", asset.name);
            }
        }
        let bytes: usize = ASSETS.all().iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes <= 60 << 10, "{bytes}");
        for (asset, most) in [(flame_script(), 24 << 10), (flame_style_sheet(), 4 << 10)] {
            assert!(asset.bytes.len() <= most, "{}: {}", asset.name, asset.bytes.len());
        }
    }
}
