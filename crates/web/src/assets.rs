//! The scripts, the style sheet and the icon. Each has a name with a hash of its bytes, so browsers may keep it forever.
//!
//! The sources are in the folder `assets`. The binary has the files of the folder `compressed`, 21 KB instead of 61 KB, and
//! inflates them once. A test compares the two; `MEMORY_DEBUG_BLESS=1` compresses the sources again.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress};
use sha2::{Digest, Sha256};

/// A file that pages load.
#[derive(Debug)]
pub struct Asset {
    /// The name: `ui-0123456789abcdef.css`.
    pub name: String,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: Vec<u8>,
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
    ui_css: Asset::new("ui", "css", "text/css; charset=utf-8", include_bytes!("../compressed/ui.css.zlib")),
    ui_js: Asset::new(
        "ui",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../compressed/ui.js.zlib"),
    ),
    flame_css: Asset::new(
        "flame",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../compressed/flame.css.zlib"),
    ),
    flame_js: Asset::new(
        "flame",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../compressed/flame.js.zlib"),
    ),
    icon: Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../compressed/icon.svg.zlib")),
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
    fn new(stem: &str, extension: &str, content_type: &'static str, compressed: &[u8]) -> Self {
        let bytes = inflate(compressed);
        let hash = Sha256::digest(&bytes);
        let begin = hash.iter().take(8).fold(0_u64, |begin, byte| begin << 8 | u64::from(*byte));
        let integrity = format!("sha256-{}", STANDARD.encode(hash));
        Self { name: format!("{stem}-{begin:016x}.{extension}"), content_type, bytes, integrity }
    }
}

/// Text shrinks to a third; a script that repeats itself shrinks more.
const MOST_GROWTH: usize = 8;

/// Inflates one of our own files. A test inflates them all, so an error cannot occur here.
fn inflate(compressed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MOST_GROWTH * compressed.len());
    let _ = Decompress::new(true).decompress_vec(compressed, &mut bytes, FlushDecompress::Finish);
    bytes.shrink_to_fit();
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    /// The file that was compressed into `asset`.
    fn source(asset: &Asset) -> Vec<u8> {
        let (stem, extension) = asset.name.split_once('-').unwrap();
        let extension = extension.split_once('.').unwrap().1;
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read(crate_folder.join(format!("assets/{stem}.{extension}"))).unwrap();
        if std::env::var_os("MEMORY_DEBUG_BLESS").is_some() {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&source).unwrap();
            let target = crate_folder.join(format!("compressed/{stem}.{extension}.zlib"));
            std::fs::write(target, encoder.finish().unwrap()).unwrap();
        }
        source
    }

    #[test]
    fn compressed_files_have_the_text_of_their_sources() {
        for asset in ASSETS.all() {
            let is_equal = asset.bytes == source(asset);
            assert!(is_equal, "{}: MEMORY_DEBUG_BLESS=1 compresses the sources again", asset.name);
        }
    }

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
            let text = std::str::from_utf8(&asset.bytes).unwrap();
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
