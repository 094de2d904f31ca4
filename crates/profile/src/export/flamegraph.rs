//! The flame graph: a picture (SVG) of which stacks hold how much.

use std::io::{self, Write};

use inferno::flamegraph::{self, Options};

use super::folded::{Count, FoldedOptions, Leaf};
use crate::symbolized::{ProfileKind, SymbolizedProfile};
use crate::visible::visible;

/// What the picture shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlamegraphOptions {
    /// Stands above the picture.
    pub title: String,
    /// Stands below the title.
    pub subtitle: String,
    /// What the tips of the flames are.
    pub leaf: Leaf,
    /// What the widths are.
    pub count: Count,
}

impl SymbolizedProfile {
    /// Draws what is held. A profile of growth is drawn as what grew.
    ///
    /// # Errors
    ///
    /// Those of `out`, and [`io::ErrorKind::InvalidData`] if there is nothing to draw.
    pub fn write_flamegraph(&self, options: &FlamegraphOptions, out: impl Write) -> io::Result<()> {
        let mut folded = Vec::new();
        self.write_folded(&options.folded(), &mut folded)?;
        let mut lines = text_of(&folded);
        if self.kind() == ProfileKind::Growth {
            lines.retain(|line| !line.rsplit(' ').next().is_some_and(|number| number.starts_with('-')));
        }
        options.draw(lines, out)
    }

    /// Draws what is held with colours for the change since `base`: red has grown, blue has shrunk. What is gone has no
    /// width.
    ///
    /// # Errors
    ///
    /// Those of [`write_flamegraph`](Self::write_flamegraph).
    pub fn write_flamegraph_since(
        &self,
        base: &Self,
        options: &FlamegraphOptions,
        out: impl Write,
    ) -> io::Result<()> {
        let mut folded = Vec::new();
        self.write_folded_since(base, &options.folded(), &mut folded)?;
        options.draw(text_of(&folded), out)
    }
}

/// The lines of folded stacks, which are made of names and so are UTF-8.
fn text_of(folded: &[u8]) -> Vec<&str> {
    std::str::from_utf8(folded).unwrap_or_default().lines().collect()
}

impl FlamegraphOptions {
    fn folded(&self) -> FoldedOptions {
        FoldedOptions { leaf: self.leaf, count: self.count }
    }

    fn draw(&self, lines: Vec<&str>, out: impl Write) -> io::Result<()> {
        if lines.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the profile has no stacks to draw"));
        }
        let mut options = Options::default();
        options.title = visible(&self.title).into_owned();
        options.subtitle = Some(visible(&self.subtitle).into_owned()).filter(|text| !text.is_empty());
        let count = if self.count == Count::Objects { "objects" } else { "bytes" };
        count.clone_into(&mut options.count_name);
        "Function".clone_into(&mut options.name_type);
        options.pretty_xml = false;
        flamegraph::from_lines(&mut options, lines, out).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolized::tests::profile;

    fn drawn(draw: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        draw(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn s34_names_are_text_whatever_they_are() {
        let profile = profile(&[("Vec<\"&'>", &["<script>alert(1)</script>", "main"], 2, 200)]);
        let options =
            FlamegraphOptions { title: "<b>".into(), leaf: Leaf::Type, ..FlamegraphOptions::default() };
        let svg = drawn(|out| profile.write_flamegraph(&options, out));
        assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && svg.contains("Vec&lt;"), "{svg}");
        assert!(!svg.contains("<script>alert") && !svg.contains("<b>"));
    }

    #[test]
    fn s64_a_picture_has_no_character_that_is_not_seen() {
        let profile = profile(&[("A\u{61c}", &["pu\u{1b}sh\u{202e}", "main\u{feff}"], 2, 200)]);
        let (title, subtitle) = ("of \u{9b}x".to_owned(), "since \u{200f}y".to_owned());
        let options = FlamegraphOptions { title, subtitle, leaf: Leaf::Type, ..FlamegraphOptions::default() };
        let svg = drawn(|out| profile.write_flamegraph(&options, out));
        for expected in
            ["A\\u{61c}", "pu\\u{1b}sh\\u{202e}", "main\\u{feff}", "of \\u{9b}x", "since \\u{200f}y"]
        {
            assert!(svg.contains(expected), "{expected}: {svg}");
        }
        for hidden in ['\u{61c}', '\u{1b}', '\u{202e}', '\u{feff}', '\u{9b}', '\u{200f}'] {
            assert!(!svg.contains(hidden), "{hidden:?}");
        }
    }

    #[test]
    fn what_grew_is_red_and_what_shrank_is_not_lost() {
        let base = profile(&[("A", &["a", "main"], 1, 100), ("A", &["b", "main"], 1, 100)]);
        let now = profile(&[("A", &["a", "main"], 9, 900), ("A", &["b", "main"], 1, 10)]);
        let options = FlamegraphOptions::default();
        let svg = drawn(|out| now.write_flamegraph_since(&base, &options, out));
        assert!(svg.contains(">a (900 bytes") && svg.contains(">b (10 bytes"), "{svg}");
        let growth = drawn(|out| now.growth_since(&base).write_flamegraph(&options, out));
        assert!(growth.contains(">a (800 bytes") && !growth.contains(">b ("), "{growth}");
    }

    #[test]
    fn nothing_to_draw_is_an_error() {
        let nothing = profile(&[]).write_flamegraph(&FlamegraphOptions::default(), Vec::new()).unwrap_err();
        assert_eq!(nothing.to_string(), "the profile has no stacks to draw");
    }
}
