//! Flame graphs: SVG pictures of how much memory each stack holds.

use std::io::{self, Write};

use inferno::flamegraph::{self, Options};

use super::collapsed::{CollapsedOptions, CollapsedStacks, Count, Leaf};
use crate::symbolized::SymbolizedProfile;
use memory_debug_formats::printable;

/// Options for a flame graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlamegraphOptions {
    /// Text above the picture.
    pub title: String,
    /// Text below the title.
    pub subtitle: String,
    /// The tips of the flames.
    pub leaf: Leaf,
    /// What the widths mean.
    pub count: Count,
}

/// Parts below this fraction are summed. A picture is 1,200 pixels wide, so they have less than an eighth of a pixel.
const NARROWEST: u64 = 10_000;

impl SymbolizedProfile {
    /// Draws live memory. In a profile of growth, only stacks that grew are drawn.
    ///
    /// # Errors
    ///
    /// Errors of `out`, and [`io::ErrorKind::InvalidData`] if there is nothing to draw.
    pub fn write_flamegraph(&self, options: &FlamegraphOptions, out: impl Write) -> io::Result<()> {
        options.draw_visible(&self.collapse(&options.collapsed()), out)
    }

    /// Draws live memory, coloured by the change since `base`: red has grown, blue has shrunk. Memory that is gone
    /// has no width.
    ///
    /// # Errors
    ///
    /// Errors of [`write_flamegraph`](Self::write_flamegraph).
    pub fn write_flamegraph_since(
        &self,
        base: &Self,
        options: &FlamegraphOptions,
        out: impl Write,
    ) -> io::Result<()> {
        options.draw_visible(&self.collapse_since(base, &options.collapsed()), out)
    }
}

impl CollapsedStacks<'_> {
    /// The smallest number that is visible in a picture.
    pub fn least_visible(&self) -> u64 {
        self.total() / NARROWEST
    }
}

impl FlamegraphOptions {
    /// The options for the stacks of the picture.
    pub fn collapsed(&self) -> CollapsedOptions {
        CollapsedOptions { leaf: self.leaf, count: self.count }
    }

    fn draw_visible(&self, stacks: &CollapsedStacks<'_>, out: impl Write) -> io::Result<()> {
        let mut collapsed = Vec::new();
        let summed = stacks.write(stacks.least_visible(), &mut collapsed)?;
        self.draw(&collapsed, summed, out)
    }

    /// Draws lines written by [`CollapsedStacks::write`], and says how many stacks were summed in them. Leaves out
    /// what shrank.
    ///
    /// # Errors
    ///
    /// Errors of `out`, and [`io::ErrorKind::InvalidData`] if there is nothing to draw.
    pub fn draw(&self, collapsed: &[u8], summed: u64, out: impl Write) -> io::Result<()> {
        // The lines consist of names, so they are UTF-8.
        let mut lines: Vec<&str> = std::str::from_utf8(collapsed).unwrap_or_default().lines().collect();
        lines.retain(|line| !line.rsplit(' ').next().is_some_and(|number| number.starts_with('-')));
        if lines.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the profile has no stacks to draw"));
        }
        let mut options = Options::default();
        options.title = printable(&self.title).into_owned();
        let summed = (summed > 0).then(|| format!("{summed} narrow stacks are summed as (n smaller)"));
        let subtitle = Some(printable(&self.subtitle).into_owned()).filter(|text| !text.is_empty());
        let subtitle: Vec<_> = subtitle.into_iter().chain(summed).collect();
        options.subtitle = Some(subtitle.join(" · ")).filter(|text| !text.is_empty());
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
    fn s34_names_are_always_text() {
        let profile = profile(&[("Vec<\"&'>", &["<script>alert(1)</script>", "main"], 2, 200)]);
        let options =
            FlamegraphOptions { title: "<b>".into(), leaf: Leaf::Type, ..FlamegraphOptions::default() };
        let svg = drawn(|out| profile.write_flamegraph(&options, out));
        assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && svg.contains("Vec&lt;"), "{svg}");
        assert!(!svg.contains("<script>alert") && !svg.contains("<b>"));
    }

    #[test]
    fn s64_picture_has_no_unprintable_character() {
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
    fn draws_growth_red_and_keeps_what_shrank() {
        let base = profile(&[("A", &["a", "main"], 1, 100), ("A", &["b", "main"], 1, 100)]);
        let now = profile(&[("A", &["a", "main"], 9, 900), ("A", &["b", "main"], 1, 10)]);
        let options = FlamegraphOptions::default();
        let svg = drawn(|out| now.write_flamegraph_since(&base, &options, out));
        assert!(svg.contains(">a (900 bytes") && svg.contains(">b (10 bytes"), "{svg}");
        let growth = drawn(|out| now.growth_since(&base).write_flamegraph(&options, out));
        assert!(growth.contains(">a (800 bytes") && !growth.contains(">b ("), "{growth}");
    }

    #[test]
    fn sums_invisible_stacks_and_says_so() {
        let profile = profile(&[
            ("A", &["wide", "main"], 1, 1_000_000),
            ("A", &["narrow", "main"], 1, 80),
            ("A", &["narrower", "main"], 1, 70),
        ]);
        let options = FlamegraphOptions { subtitle: "of the shop".into(), ..FlamegraphOptions::default() };
        let svg = drawn(|out| profile.write_flamegraph(&options, out));
        assert!(svg.contains("of the shop · 2 narrow stacks are summed as (n smaller)"), "{svg}");
        assert!(svg.contains(">(2 smaller) (150 bytes") && !svg.contains(">narrow"), "{svg}");
    }

    #[test]
    fn rejects_profile_with_nothing_to_draw() {
        let nothing = profile(&[]).write_flamegraph(&FlamegraphOptions::default(), Vec::new()).unwrap_err();
        assert_eq!(nothing.to_string(), "the profile has no stacks to draw");
    }
}
