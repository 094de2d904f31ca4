//! The only text that is not escaped: assets inside of a document.

use maud::{Markup, PreEscaped};

use crate::assets::Asset;

/// The text of a style sheet or a script, for `<style>` or `<script>`. Browsers do not unescape it.
///
/// Assets are files of this crate. A test checks that their text cannot end the element.
pub(crate) fn asset(asset: &'static Asset) -> Markup {
    PreEscaped(std::str::from_utf8(&asset.bytes).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{script, style_sheet};

    #[test]
    fn s34_an_asset_cannot_end_its_element() {
        for file in [script(), style_sheet()] {
            let text = asset(file).into_string();
            assert_eq!(text.as_bytes(), file.bytes, "the hash would differ");
            // `<!--` changes how browsers look for the end of a script.
            for end in ["</script", "</style", "<!--", "<script", "\r", "\0"] {
                assert!(!text.to_lowercase().contains(end), "{}: {end}", file.name);
            }
        }
    }
}
